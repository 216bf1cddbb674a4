// SPDX-License-Identifier: Apache-2.0
/* Secrets typed by a person are sealed here, at the door, to the worker class; nothing behind the
 * gateway but a worker can open them (security.md section 8). */
#pragma once

#include "services/gateway/gateway.h"

/* Works on r->json of a route with seal=credential or seal=task; does nothing otherwise. What is
 * made has the id of the request, so that a repeated one seals for the same. */
int seal_request(struct rest *r, struct fault *reterr) must_check;
/* On a route with seal=login: the login of a vault is sealed to storage, whose key is asked for;
 * then(r), now or later, unless it fails. */
void seal_login(struct rest *r, void (*then)(struct rest *r));
/* On a route with seal=mail: a password becomes the key that follows from it; the same. */
void seal_mail(struct rest *r, void (*then)(struct rest *r));
/* The AAD of a sealed secret: purpose NUL tenant id. */
void seal_aad(
	struct buf *out, const char *purpose, const struct uuid *tenant, const struct uuid *id);
