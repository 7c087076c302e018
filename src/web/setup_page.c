// /setup: the page behind the set-up link. The token stands behind the # of the link, which no browser sends and no log keeps; a script
// of our own posts it to /api/setup.
#include "web/handle.h"

static const char page[] =
    "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\"><title>Octopus Reactions: set-up</title><meta name=\"viewport\" content=\"width=device-width\">\n"
    "<h1>The first administrator</h1>\n<form id=\"setup\">\n<p><label>Name<br><input name=\"username\" autocomplete=\"username\" required></label>\n"
    "<p><label>Password, at least 12 characters<br><input name=\"password\" type=\"password\" autocomplete=\"new-password\" minlength=\"12\" required></label>\n"
    "<p><button>Create</button>\n<p id=\"said\" role=\"status\"></p>\n</form>\n<script src=\"/setup.js\"></script>\n</html>\n";

static const char script[] =
    "const form = document.getElementById('setup'), said = document.getElementById('said'), token = location.hash.slice(1);\n"
    "history.replaceState(null, '', '/setup');\n"
    "form.addEventListener('submit', async (event) => {\n"
    "  event.preventDefault();\n"
    "  const reply = await fetch('/api/setup', { method: 'POST', headers: { 'Content-Type': 'application/json' },\n"
    "    body: JSON.stringify({ Token: token, Username: form.username.value, Password: form.password.value }) });\n"
    "  const answer = await reply.json();\n"
    "  said.textContent = reply.ok ? answer.Name + ' administers this server now.' : [answer.ErrorMessage, ...(answer.Errors || [])].join(' ');\n"
    "});\n";

void setup_page_handle(struct http_request *r)
{
    bool is_script = str_eq(r->path, STR("/setup.js"));
    struct http_header headers[] = {
        { STR("Content-Type"), is_script ? STR("text/javascript; charset=utf-8") : STR("text/html; charset=utf-8") },
        { STR("Content-Security-Policy"), STR("default-src 'none'; script-src 'self'; connect-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'") },
    };
    if (!str_eq(r->method, STR("GET")) && !str_eq(r->method, STR("HEAD")))
        http_answer_error(r, 405, "the page is read by GET; POST to /api/setup");
    else
        http_answer(r, 200, headers, COUNT(headers), is_script ? str_from(script) : str_from(page));
}
