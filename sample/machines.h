// machines.h - registering a machine, for the API's route and the control route alike.
#pragma once

#include "sample/call.h"

// Answers POST /machines with c->body.
void machine_register(struct call *c);
