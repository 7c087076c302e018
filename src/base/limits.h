// limits.h - everything an outsider can make grow has its maximum here, by name.
#pragma once

#define LIMIT_JSON_DEPTH 64
#define LIMIT_JSON_NODES (1 << 20)
#define LIMIT_YAML_BYTES (8 * 1024 * 1024)

#define LIMIT_HTTP_REQUEST_LINE_BYTES 8192
#define LIMIT_HTTP_HEADER_BYTES 32768 // all header lines together
#define LIMIT_HTTP_HEADERS 100
#define LIMIT_HTTP_BODY_BYTES (5 * 1024 * 1024) // default of a trigger and of the API
#define LIMIT_HTTP_BODY_BYTES_MAX (25 * 1024 * 1024)
#define LIMIT_HTTP_HEADER_SECONDS 10
#define LIMIT_HTTP_BODY_MIN_BYTES_PER_SECOND 1000
#define LIMIT_HTTP_IDLE_SECONDS 75 // a kept-alive connection between two requests
#define LIMIT_HTTP_CONNECTIONS 20000
#define LIMIT_HTTP_BUFFERED_BYTES (256 * 1024 * 1024) // of request bodies being read, all together

#define LIMIT_HTTP_OUTGOING_BYTES (64 * 1024 * 1024) // answers their clients have not taken yet; beyond it reading is 503
#define LIMIT_API_PAGE_BYTES (4 * 1024 * 1024)       // of a list's answer: its page ends with the item that reaches it

#define LIMIT_ROUTE_TEMPLATE_BYTES 1024
#define LIMIT_ROUTE_SEGMENTS 28 // ASP.NET Core's own: its precedence is a decimal number with a digit for each
#define LIMIT_ROUTE_PARAMS 32
#define LIMIT_ROUTE_CONSTRAINTS 16 // of one parameter
#define LIMIT_ROUTE_REGEX_STEPS 100000
#define LIMIT_ROUTE_REGEX_KILOBYTES 1024

#define LIMIT_QUEUE_REQUESTS 4096              // accepted requests waiting for one commit
#define LIMIT_QUEUE_BYTES (64 * 1024 * 1024)   // their bytes
#define LIMIT_KEYS_PER_TRIGGER 5

#define LIMIT_OUT_CONNECT_SECONDS 5
#define LIMIT_OUT_TOTAL_SECONDS 30
#define LIMIT_OUT_READ_BYTES (1024 * 1024)
#define LIMIT_OUT_STORED_BYTES (64 * 1024)

#define LIMIT_WORKER_FRAME_BYTES (32 * 1024 * 1024)
#define LIMIT_RUN_LOG_LINES 10000
#define LIMIT_RUN_LOG_BYTES (4 * 1024 * 1024)
#define LIMIT_RUN_LOG_LINE_BYTES (16 * 1024)
#define LIMIT_RUN_OUTPUT_BYTES (1024 * 1024)
#define LIMIT_RUN_API_CALLS 10000

#define LIMIT_TEMPLATE_BYTES (4 * 1024 * 1024)         // of one template text, or of one variable's name
#define LIMIT_TEMPLATE_DEPTH 100                       // blocks, options and parentheses within one another
#define LIMIT_TEMPLATE_FRAMES 1000                     // values of values of values
#define LIMIT_TEMPLATE_OUTPUT_BYTES (16 * 1024 * 1024) // of one rendering
#ifndef LIMIT_TEMPLATE_STEPS
#define LIMIT_TEMPLATE_STEPS 4000000                   // operations of one rendering; 64 bytes moved count as one
#endif
#define LIMIT_TEMPLATE_ITEMS 100000                    // of one loop
#define LIMIT_TEMPLATE_REGEX_STEPS 1000000             // PCRE2's match limit for one search
#define LIMIT_TEMPLATE_REGEX_KILOBYTES 8192            // its heap

#define LIMIT_INCOMING_PARAMETERS 1000
#define LIMIT_SIGNATURE_SECRETS 5
#define LIMIT_SIGNATURES 16                // in one header, that are of the configured version
#define LIMIT_SIGNATURE_HEADER_BYTES 8192
#define LIMIT_SIGNED_PIECES 32             // of a "Signed" or "Reply" text
#define LIMIT_SIGNATURE_CERTIFICATES 64    // kept, by URL
#define LIMIT_SIGNATURE_CERTIFICATE_BYTES 65536
#define LIMIT_HANDSHAKE_ECHO_BYTES 4096

#define LIMIT_BATCH_EVENTS 5000 // elements of one request (Event Grid sends up to 5 000)

#define LIMIT_OCTOPUS_ID_BYTES 200
#define LIMIT_PUSH_BYTES (50 * 1024 * 1024)      // of one subscription webhook: as large as an event may be
#define LIMIT_TAIL_PAGE_BYTES (50 * 1024 * 1024)
#define LIMIT_TAIL_HELD_BYTES (48 * 1024 * 1024) // of new events held during one walk; the newest wait for the next one
#define LIMIT_TAIL_SEEN 200000                   // ids remembered; beyond them the store's own uniqueness decides
#define LIMIT_DIRECTORY_DOCUMENTS 10000          // Octopus documents kept to tell names, of one connection
#define LIMIT_DIRECTORY_DOCUMENT_BYTES (1024 * 1024)

#define LIMIT_THROTTLE_ENTRIES 20000 // accounts and networks whose tries to sign in are counted
#define LIMIT_SESSIONS_PER_USER 50   // the oldest ends when one more begins
#define LIMIT_API_KEYS_PER_USER 50
#define API_KEY_DAYS 365 // the longest life of one, unless the settings say otherwise
#define LIMIT_ROLES_PER_USER 100
#define LIMIT_SCOPE_ITEMS 200        // projects or environments of one role or key
#define LIMIT_CATALOG_GROUPED 2000               // pairs of event group and category learned from servers
#define LIMIT_DIRECTORY_VARIABLES_BYTES (8 * 1024 * 1024)

#define LIMIT_GATEWAY_CONNECTIONS 512     // of scripts through the gateway, all together
#define LIMIT_GATEWAY_CONNECTIONS_EACH 64 // of one worker; more wait
#define LIMIT_GATEWAY_CONNECT_SECONDS 15  // for all addresses of a name together
#define LIMIT_GATEWAY_IDLE_SECONDS 600    // nothing comes in either direction
