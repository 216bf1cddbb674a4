// SPDX-License-Identifier: Apache-2.0
/* Who is told of what: events are taken from the services that own the states, put on their way by
 * subscription, and sent. Any number of gateways do it side by side: rows are claimed. */
#pragma once

#include "services/gateway/gateway.h"

struct notify;

struct notify *notify_new(struct gateway *g, struct fault *reterr) must_check;
/* Tells the owners at once what is wanted now, then calls then(r); also when they cannot be told:
 * they hear it with the next look. */
void notify_want(struct gateway *g, struct rest *r, void (*then)(struct rest *r));
/* A look now instead of soon. */
void notify_look(struct gateway *g);

/* ---- webhook_send.c ---- */

struct webhook_sender;
struct webhook_sender *webhook_sender_new(struct gateway *g, struct fault *reterr) must_check;
void webhook_sender_tick(struct webhook_sender *s);

/* ---- mail_send.c ---- */

struct mail_sender;
struct mail_sender *mail_sender_new(struct gateway *g);
void mail_sender_tick(struct mail_sender *s);
