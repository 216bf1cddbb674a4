// SPDX-License-Identifier: Apache-2.0
/* SNMPv3 in a scan. First the engine is asked who it is, in nobody's name: who is silent to that is
 * asked nothing more of v3, however many credentials there are. Then each credential once: no
 * password goes to an engine a second time before it was accepted, not even at another address. */
#include "services/worker/discover/scan_priv.h"

#include <string.h>

#include "common/clock/clock.h"

#define AUTHORIZATION_ERROR 16 /* known, and not allowed at this security level */

static const struct usm_user *user_of(const struct scan *s, const struct target *t)
{
	return &s->order.credentials[t->credential].user;
}

static bool same_engine(const struct usm_engine *a, const struct usm_engine *b)
{
	return a->n == b->n && memcmp(a->id, b->id, a->n) == 0;
}

bool v3_is(const struct scan *s, const struct target *t)
{
	return s->order.credentials[t->credential].version == SCAN_V3;
}

unsigned v3_tries(const struct scan *s, const struct target *t, unsigned tries)
{
	return v3_is(s, t) && t->engine.n > 0 && !t->known ? 1 : tries;
}

size_t v3_write(const struct scan *s, const struct target *t, uint8_t *out, size_t size)
{
	struct usm_engine now = t->engine;

	if (t->engine.n == 0)
		return usm_write_hello(t->id, out, size);
	now.time += (int32_t)((clock_mono_ms() - t->engine_at) / 1000);
	return usm_write(user_of(s, t), &now, t->id, t->objects, out, size);
}

bool v3_pointless(const struct scan *s, const struct target *t, size_t credential)
{
	if (s->order.credentials[credential].version != SCAN_V3)
		return false;
	if (t->silent)
		return true;
	for (size_t i = 0; t->engine.n > 0 && i < s->order.n; i++) {
		const struct target *o = &s->targets[i];
		if ((o->refused & 1u << credential) && same_engine(&o->engine, &t->engine))
			return true;
	}
	return false;
}

bool v3_waits(const struct scan *s, const struct target *t)
{
	if (!v3_is(s, t) || t->engine.n == 0 || t->known)
		return false;
	for (size_t i = 0; i < s->order.n; i++) {
		const struct target *o = &s->targets[i];
		if (o != t && o->state == TARGET_ASKED && !o->known &&
			o->credential == t->credential && same_engine(&o->engine, &t->engine))
			return true;
	}
	return false;
}

void v3_silence(struct target *t)
{
	if (t->engine.n == 0)
		t->silent = true;
	else if (!t->known)
		t->refused |= 1u << t->credential;
}

static void set_clock(struct target *t, const struct usm_engine *e)
{
	t->engine = *e;
	t->engine_at = clock_mono_ms();
}

static void take_report(
	struct scan *s, struct target *t, const struct usm_message *m, enum usm_report report)
{
	if (report == USM_TIME && !t->timed) { /* signed: the key is right, our clock was not */
		t->timed = t->known = true;
		set_clock(t, &m->engine);
		scan_again(t);
		return;
	}
	if (report == USM_WRONG_DIGEST || report == USM_UNDECIPHERED)
		t->refused |= 1u << t->credential;
	s->counts.refused++;
	scan_next(s, t);
}

static void take_user(struct scan *s, struct target *t, const struct usm_message *m)
{
	static uint8_t plain[SCAN_DATAGRAM];
	struct usm_answer a;

	if (!same_engine(&m->engine, &t->engine)) {
		s->counts.foreign++;
	} else if (usm_open(m, user_of(s, t), plain, sizeof(plain), &a) < 0) {
		s->counts.malformed++;
	} else if (a.report != USM_NO_REPORT) {
		take_report(s, t, m, a.report);
	} else if (a.said.id != m->id) {
		s->counts.foreign++;
	} else if (a.said.error == AUTHORIZATION_ERROR) {
		s->counts.refused++;
		scan_next(s, t);
	} else {
		t->known = true;
		scan_said(s, t, &a.said);
	}
}

void v3_take(struct scan *s, struct span datagram, const struct sockaddr_storage *from)
{
	struct usm_message m;
	struct target *t;

	if (usm_read(datagram, &m) < 0) {
		s->counts.malformed++;
	} else if ((t = scan_asked(s, m.id, from)) == NULL || !v3_is(s, t)) {
		s->counts.foreign++;
	} else if (t->state == TARGET_ENDED) {
		s->counts.repeated++;
	} else if (t->engine.n > 0) {
		take_user(s, t, &m);
	} else if (!usm_is_hello(&m)) {
		s->counts.malformed++;
	} else {
		set_clock(t, &m.engine);
		s->counts.engines++;
		scan_again(t);
	}
}
