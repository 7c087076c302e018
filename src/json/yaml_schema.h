// yaml_schema.h - what a plain scalar means: the core schema (YAML 1.2.2, section 10.3).
#pragma once

#include "base/arena.h"
#include "json/json.h"

enum yaml_meaning { YAML_TEXT, YAML_NULL, YAML_TRUE, YAML_FALSE, YAML_NUMBER, YAML_NO_JSON }; // the last: .inf, .nan, 0x of more than 64 bits

// *number is set for YAML_NUMBER: a JSON number, the plain text itself where it is one.
enum yaml_meaning yaml_schema_meaning(struct arena *a, str plain, str *number);

// True where some reader of YAML 1.1 takes the plain text for no text: yes, off, =, <<, and so on.
// Texts that begin like a number are not asked for: those are always written in quotes.
bool yaml_schema_is_old_word(str plain);
