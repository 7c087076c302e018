// sample.h - the whole of one sample Octopus, and who acts in it.
#pragma once

#include "http/client.h"
#include "http/server.h"
#include "sample/events.h"
#include "sample/faults.h"
#include "sample/model.h"
#include "sys/clock.h"
#include "sys/loop.h"

// How long things take here; /sample/timing changes them.
struct timing {
    int64_t queue_ms, run_ms, health_ms, push_ms;
};

struct sample {
    struct loop *loop;
    const struct clock *clock;
    int64_t clock_offset_ms; // set by /sample/clock
    struct model *model;
    struct event_log *events;
    struct journal *journal; // NULL: all in memory
    struct faults *faults;
    struct receivers *receivers;
    struct push *push;
    struct tasks *tasks;
    struct http_client *client; // for the push
    char *base_url; // "http://127.0.0.1:8065"
    char *api_key;
    struct timing timing;
};

int64_t sample_now_ms(const struct sample *s);

// Who did something, as its events tell it. All texts live as long as the actor is used.
struct actor {
    str user_id, username;
    bool is_service;
    str identity;   // "API key 'TeamCity' created Tue, 03 Feb 2026 10:30:00 GMT"
    str user_agent, ip;
    str key_id, key_hint;
};
extern const struct actor actor_system;

// An event being written: its message grows piece by piece, and with it the references.
struct draft {
    struct sample *sample;
    struct arena *arena;
    const struct actor *who;
    const char *category;
    str space;              // "": a system event
    struct buf message, html;
    struct json *references, *related;
    struct json *change;    // ChangeDetails, or NULL
    str comments;
    int64_t utf16;          // length of the message so far
};
void draft_begin(struct draft *d, struct sample *s, struct arena *a, const struct actor *who, const char *category, str space);
void draft_text(struct draft *d, const char *text);
void draft_ref(struct draft *d, str id, str name); // a name that stands for a document
void draft_related(struct draft *d, str id);       // "" is left out; in the order of the calls
// Writes it to the log and frees the draft. Gives the event's id (in the arena).
str draft_commit(struct draft *d);

// The date of a key or a Set-Cookie: "Tue, 03 Feb 2026 10:30:00 GMT".
str text_rfc1123(struct arena *a, int64_t at_ms);
// As the server writes dates: "2026-03-02T09:14:31.650+00:00".
str text_date(struct arena *a, int64_t at_ms);
str text_html(struct arena *a, str s);
