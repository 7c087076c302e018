// filter.h - what a filter is: "#{value | Name option option}". A new one is a function and a line in filter.c.
//
// A filter gets an argument, which may be undefined, and options, which never are. It answers a value,
// or nothing (the whole token is then undefined), or it throws, as some of the original do.
#pragma once

#include "base/buf.h"
#include "template/marked.h"

enum filter_outcome { FILTER_NOTHING, FILTER_VALUE, FILTER_EXCEPTION };

struct filter_call {
    struct arena *a;
    struct marked argument;
    const struct marked *options;
    size_t option_count;
    int64_t now_ms;
    size_t max_bytes; // of a result

    struct marked result; // FILTER_VALUE
    str error;            // FILTER_EXCEPTION
};

typedef enum filter_outcome filter_function(struct filter_call *c);

struct filter {
    const char *name; // lower case
    filter_function *run;
    bool takes_undefined; // else an undefined argument gives nothing
};

const struct filter *filter_find(str name); // in any case; NULL
const struct filter *filter_at(size_t index); // for listings; NULL behind the last

// Ways to answer. The first gives all bytes the marks of argument and options.
enum filter_outcome filter_value(struct filter_call *c, str s);
enum filter_outcome filter_value_buf(struct filter_call *c, struct buf *b); // copies; too large is an exception
enum filter_outcome filter_marked(struct filter_call *c, struct marked m);  // knows its marks
enum filter_outcome filter_bool(struct filter_call *c, bool b);
enum filter_outcome filter_exception(struct filter_call *c, const char *fmt, ...) PRINTF_LIKE(2, 3);

// The argument piece by piece, each of one set of marks: what filters use that look at characters one
// by one. `at` is the place of the piece in the argument. The mapping writes plain text.
typedef void filter_mapping(struct marked_out *out, str piece, size_t at);
enum filter_outcome filter_map(struct filter_call *c, filter_mapping *map);

static inline str filter_option(const struct filter_call *c, size_t i)
{
    return c->options[i].s;
}

// By subject, one file each.
filter_function filter_append, filter_prepend, filter_trim, filter_truncate, filter_substring, filter_indent, filter_to_upper, filter_to_lower, filter_contains,
    filter_starts_with, filter_ends_with;
filter_function filter_html_escape, filter_xml_escape, filter_json_escape, filter_yaml_single_quote_escape, filter_yaml_double_quote_escape,
    filter_properties_key_escape, filter_properties_value_escape, filter_uri_escape, filter_uri_data_escape;
filter_function filter_to_base64, filter_from_base64, filter_md5, filter_sha1, filter_sha256, filter_sha384, filter_sha512;
filter_function filter_match, filter_replace;
filter_function filter_format, filter_now_date, filter_now_date_utc, filter_add_hours, filter_add_days;
filter_function filter_uri_part, filter_markdown;
filter_function filter_version_major, filter_version_minor, filter_version_patch, filter_version_revision, filter_version_pre_release,
    filter_version_pre_release_prefix, filter_version_pre_release_counter, filter_version_metadata;
