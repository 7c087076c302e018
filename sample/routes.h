// routes.h - the table of routes: one row says method, path, permission and handler.
#pragma once

#include "sample/resources.h"

struct route {
    const char *method, *pattern; // "projects/{}/channels": what {} stood for is in call.args
    const char *permission;       // needed somewhere in the space; NULL: any valid key
    void (*handle)(struct call *c);
    bool is_open;                 // no key needed
    bool is_system;               // the permission is a system one
};

// Each ends with a row whose method is NULL. The first that fits is taken.
extern const struct route root_routes[], release_routes[], deployment_routes[], task_routes[], machine_routes[], process_routes[], feed_routes[], event_routes[], project_routes[], progress_routes[], subscription_routes[], interruption_routes[];

// Answers any request to the sample.
void routes_handle(struct call *c);

// What stands beside /api.
void control_handle(struct call *c);   // /sample/...
void nuget_handle(struct call *c);     // /nuget/...
void receivers_handle(struct call *c); // /receivers/...
