// commands.h - the program's commands: argv[0] is the command's name; the result is the exit status,
// 0 done, 1 failed, 2 wrong usage.
#pragma once

int cmd_serve(int argc, char **argv);
int cmd_list(int argc, char **argv);
int cmd_show(int argc, char **argv);
int cmd_connection(int argc, char **argv);
int cmd_identity(int argc, char **argv);
int cmd_secret(int argc, char **argv);
int cmd_trigger(int argc, char **argv);
int cmd_key(int argc, char **argv);
int cmd_user(int argc, char **argv);
int cmd_apikey(int argc, char **argv);
int cmd_apply(int argc, char **argv);
int cmd_export(int argc, char **argv);
int cmd_check(int argc, char **argv);
int cmd_fire(int argc, char **argv);
int cmd_doctor(int argc, char **argv);
int cmd_runs(int argc, char **argv);
int cmd_test(int argc, char **argv);
int cmd_replay(int argc, char **argv);
int cmd_backfill(int argc, char **argv);
int cmd_prove(int argc, char **argv);
int cmd_backup(int argc, char **argv);
int cmd_restore(int argc, char **argv);
int cmd_rotate_master_key(int argc, char **argv);
int cmd_verify_audit(int argc, char **argv);
int cmd_version(int argc, char **argv);

#define REACTIONS_VERSION "0.1.0"
