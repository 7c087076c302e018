// yaml.h - YAML, as people write it in files, to and from JSON trees.
//
// Plain scalars follow the core schema of YAML 1.2: `no`, `on`, `12:30`, `2026-11-22` are text. Numbers
// keep their text where it is that of a JSON number (1.10 stays 1.10); other spellings (+5, 007, .5,
// 0x1F) are rewritten as one. Refused, with the line: repeated keys, keys that are lists or objects,
// tags, .inf and .nan, and anchors and aliases (a few lines of them can stand for gigabytes).
// Bounded like json_parse(), and by LIMIT_YAML_BYTES. Comments are lost.
#pragma once

#include "json/json.h"

// *documents is an array of what stands between the "---"; nothing between two of them is left out.
// Text is copied into the arena. ERR_TOO_LARGE for the limits, ERR_INVALID for the rest; errors name
// line and column.
MUST_USE bool yaml_parse(struct arena *a, str text, struct json **documents, struct err *e);

// One document in block style, without "---" in front; ends with a line break. Lines of text stand as
// a literal block, whatever would be read as something else (also by YAML 1.1, as `no`) in quotes.
// yaml_parse() reads back an equal tree.
void yaml_write(struct buf *out, const struct json *j);
