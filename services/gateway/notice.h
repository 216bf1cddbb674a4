// SPDX-License-Identifier: Apache-2.0
/* The rules of notices: how an event is written, when it goes, what an answer means
 * (docs/spec/fleet.md section 10). Pure. */
#pragma once

#include "common/base/buf.h"
#include "common/base/fault.h"
#include "common/base/uuid.h"

/* An event as its owner wrote it. */
struct notice {
	struct uuid id;
	const char *kind;    /* "run.finished" */
	const char *subject; /* "run/ID" */
	int64_t at_ms;
	const char *data; /* a JSON object */
};

/* Adds the CloudEvent: the same bytes each time. base: the console's address without a final slash,
 * or "". -1: data is no object. */
int notice_event(
	const struct notice *n, const char *source, const char *base, struct buf *out) must_check;
/* Where a person looks at it: BASE/runs/ID; nothing without base or for a kind without a page. */
void notice_url(const struct notice *n, const char *base, struct buf *out);

enum notice_fate { NOTICE_DONE, NOTICE_AGAIN, NOTICE_DEAD };
/* Of an HTTP status; 0 = there was no answer (FL-66). */
enum notice_fate notice_fate(long status);
/* How long until the next attempt, after so many: full jitter, from 0 to first * 2^(attempts - 1)
 * ms, an hour at most; not before what the receiver asked for. */
uint64_t notice_wait_ms(
	uint64_t attempts, uint64_t first_ms, uint64_t random, uint64_t retry_after_ms);
/* Retry-After: seconds, or a date (RFC 9110); 0 = nothing that can be read. */
uint64_t notice_retry_after_ms(const char *value, uint64_t now_ms);

/* When a notice of now goes by mail: 1 at once, 2 at the next full hour, 3 at the next midnight,
 * UTC. */
int64_t notice_due_ms(int digest, int64_t now_ms);

/* The parts of a receiver's address. */
struct notice_target {
	char host[254]; /* no brackets */
	unsigned port;
	bool tls;
};
/* http or https, with a host, without user and password. CN_VALIDATION_FAILED "webhook_url". */
int notice_target(const char *url, struct notice_target *ret, struct fault *reterr) must_check;
/* Whether a name can be that of a header that we do not send ourselves. */
bool notice_header_name(const char *name);
/* All kinds that there are, NULL-ended. */
extern const char *const notice_kinds[];
/* A kind, or a beginning with "*": run.finished, device.*, *. */
bool notice_kind(const char *pattern);
