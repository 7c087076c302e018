// oidc.h - signing in at an OpenID provider: the code flow with PKCE (OpenID Connect Core 1.0, RFC 7636). Only src/web includes this.
//
// What one sign-in must remember (state, nonce, verifier) travels sealed in a cookie of ten minutes; the server keeps nothing for people who
// never come back. The provider's description and keys are kept for an hour; keys anew when a token names one that is not known.
#pragma once

#include "web/people.h"

struct oidc;

struct oidc *oidc_new(void);
void oidc_free(struct oidc *o);
