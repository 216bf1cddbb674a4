// SPDX-License-Identifier: Apache-2.0
/* Walking the chain: most entries follow from the one before. Those that do not are kept aside and
 * at the end told apart: moved, put in, taken out or changed. */
#include "common/audit/chain.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/crypto/crypto.h"

void audit_hash(const uint8_t before[static AUDIT_HASH], uint64_t seq, const char *tail,
	uint8_t ret[static AUDIT_HASH])
{
	char number[32];
	int n = snprintf(number, sizeof(number), "[%llu", (unsigned long long)seq);
	struct sha256 *h = sha256_new();

	sha256_add(h, (struct span){before, AUDIT_HASH});
	sha256_add(h, (struct span){(const uint8_t *)number, (size_t)n});
	sha256_add(h, (struct span){(const uint8_t *)tail, strlen(tail)});
	sha256_end(h, ret);
}

static bool follows(const uint8_t *before, int64_t seq, const char *tail, const uint8_t *hash)
{
	uint8_t want[AUDIT_HASH];

	if (seq <= 0)
		return false;
	audit_hash(before, (uint64_t)seq, tail, want);
	return memcmp(want, hash, sizeof(want)) == 0;
}

static void report(struct audit_walk *w, enum audit_fault_kind kind, uint64_t seq, uint64_t to)
{
	if (w->faults_n == AUDIT_FAULTS)
		w->more = true;
	else
		w->faults[w->faults_n++] = (struct audit_fault){kind, seq, to};
}

void audit_walk_begin(struct audit_walk *w, uint64_t seq, const uint8_t hash[static AUDIT_HASH])
{
	*w = (struct audit_walk){.seq = seq, .signed_seq = seq};
	memcpy(w->hash, hash, AUDIT_HASH);
	memcpy(w->earlier, hash, AUDIT_HASH);
}

static void suspect(struct audit_walk *w, const struct audit_entry *e)
{
	if (w->suspects_n == AUDIT_SUSPECTS) {
		report(w, AUDIT_CHANGED, e->seq, e->seq);
		return;
	}
	struct audit_suspect *s = &w->suspects[w->suspects_n++];
	*s = (struct audit_suspect){.seq = e->seq, .tail = mem_strdup(e->tail)};
	memcpy(s->hash, e->hash, AUDIT_HASH);
	memcpy(s->before, w->hash, AUDIT_HASH);
	memcpy(s->earlier, w->earlier, AUDIT_HASH);
}

/* After something that did not follow: do entries go on one place later or earlier? */
static bool pushed(struct audit_walk *w, const struct audit_entry *e)
{
	static const int push[] = {1, -1};

	for (size_t i = 0; w->suspects_n > 0 && i < array_len(push); i++) {
		if (!follows(w->hash, (int64_t)e->seq - w->shift - push[i], e->tail, e->hash))
			continue;
		w->shift += push[i];
		w->suspects[w->suspects_n - 1].push = push[i];
		return true;
	}
	return false;
}

void audit_walk_entry(struct audit_walk *w, const struct audit_entry *e)
{
	if (e->seq > w->seq + 1) /* who stands behind a gap cannot be judged */
		report(w, AUDIT_REMOVED, w->seq + 1, e->seq - 1);
	else if (!follows(w->hash, (int64_t)e->seq - w->shift, e->tail, e->hash) && !pushed(w, e))
		suspect(w, e);
	memcpy(w->earlier, w->hash, AUDIT_HASH);
	memcpy(w->hash, e->hash, AUDIT_HASH);
	w->seq = e->seq;
	w->entries++;
}

static void rewritten(struct audit_walk *w, uint64_t to)
{
	struct audit_fault *last = w->faults_n == 0 ? NULL : &w->faults[w->faults_n - 1];

	if (last != NULL && last->kind == AUDIT_REWRITTEN && last->to == w->signed_seq)
		last->to = to;
	else
		report(w, AUDIT_REWRITTEN, w->signed_seq + 1, to);
}

void audit_walk_mark(struct audit_walk *w, const struct audit_mark *m, bool known)
{
	w->marks++;
	if (!known || !audit_mark_good(m)) {
		report(w, AUDIT_UNSIGNED, m->seq, m->seq);
		return;
	}
	/* where an entry does not follow that is told; here it is that all do, but others */
	if (w->suspects_n == w->suspects_signed && w->shift == 0 &&
		memcmp(m->hash, w->hash, AUDIT_HASH) != 0)
		rewritten(w, m->seq);
	w->suspects_signed = w->suspects_n;
	w->signed_seq = m->seq;
}

void audit_walk_known(struct audit_walk *w, const uint8_t hash[static AUDIT_HASH])
{
	if (memcmp(hash, w->hash, AUDIT_HASH) != 0)
		rewritten(w, w->seq);
}

void audit_walk_head(struct audit_walk *w, uint64_t seq, const uint8_t *hash)
{
	if (w->seq < seq)
		report(w, AUDIT_CUT, w->seq + 1, seq);
	else if (w->seq > seq && hash != NULL)
		report(w, AUDIT_INSERTED, seq + 1, w->seq);
	else if (w->seq == seq && hash != NULL && memcmp(hash, w->hash, AUDIT_HASH) != 0)
		report(w, AUDIT_CHANGED, seq, seq);
}

/* ---- telling apart ---- */

/* Whether s is as it was written when it stood at seq, after one of those that were looked at. */
static bool was_at(const struct audit_walk *w, const struct audit_suspect *s, uint64_t seq)
{
	for (size_t i = 0; i < w->suspects_n; i++)
		if (follows(w->suspects[i].before, (int64_t)seq, s->tail, s->hash) ||
			follows(w->suspects[i].earlier, (int64_t)seq, s->tail, s->hash) ||
			follows(w->suspects[i].hash, (int64_t)seq, s->tail, s->hash))
			return true;
	return false;
}

/* Those after s stand one place later: s was put in, or pushed by the one before it that was. */
static void put_in(struct audit_walk *w, const struct audit_suspect *s)
{
	uint64_t at = was_at(w, s, s->seq - 1) ? s->seq - 1 : s->seq;

	report(w, AUDIT_INSERTED, at, at);
}

static bool explained(const struct audit_walk *w, const struct audit_suspect *s)
{
	const struct audit_suspect *next = s + 1;

	/* the one put in itself: told with the one that it pushed */
	return next < w->suspects + w->suspects_n && next->push == 1 && next->seq == s->seq + 1 &&
	       was_at(w, next, s->seq);
}

static void judge(struct audit_walk *w, const struct audit_suspect *s)
{
	if (s->push == 1) {
		put_in(w, s);
		return;
	}
	if (s->push == -1) {
		report(w, AUDIT_REMOVED, s->seq, s->seq);
		return;
	}
	if (explained(w, s) || was_at(w, s, s->seq)) /* only its neighbour is wrong */
		return;
	for (size_t i = 0; i < w->suspects_n; i++) {
		if (was_at(w, s, w->suspects[i].seq)) {
			report(w, AUDIT_MOVED, w->suspects[i].seq, s->seq);
			return;
		}
	}
	report(w, AUDIT_CHANGED, s->seq, s->seq);
}

static int by_seq(const void *a, const void *b)
{
	const struct audit_fault *x = a, *y = b;

	return x->seq < y->seq ? -1 : x->seq > y->seq;
}

bool audit_walk_end(struct audit_walk *w)
{
	for (size_t i = 0; i < w->suspects_n; i++)
		judge(w, &w->suspects[i]);
	for (size_t i = 0; i < w->suspects_n; i++)
		free(w->suspects[i].tail);
	w->suspects_n = 0;
	qsort(w->faults, w->faults_n, sizeof(w->faults[0]), by_seq);
	return w->faults_n == 0;
}

/* ---- words ---- */

const char *audit_fault_word(enum audit_fault_kind kind)
{
	static const char *const words[] = {[AUDIT_CHANGED] = "changed",
		[AUDIT_REMOVED] = "removed",
		[AUDIT_INSERTED] = "inserted",
		[AUDIT_MOVED] = "moved",
		[AUDIT_CUT] = "cut",
		[AUDIT_REWRITTEN] = "rewritten",
		[AUDIT_UNSIGNED] = "unsigned"};

	return words[kind];
}

void audit_fault_text(const struct audit_fault *f, char *out, size_t size)
{
	const unsigned long long seq = f->seq, to = f->to;

	switch (f->kind) {
	case AUDIT_CHANGED:
		(void)snprintf(out, size,
			"entry %llu, or the hash of the one before it, was changed", seq);
		break;
	case AUDIT_REMOVED:
		(void)snprintf(out, size, "entries %llu to %llu were removed", seq, to);
		break;
	case AUDIT_INSERTED:
		(void)snprintf(out, size, "entries %llu to %llu were put in", seq, to);
		break;
	case AUDIT_MOVED:
		(void)snprintf(out, size, "entry %llu stands at %llu", seq, to);
		break;
	case AUDIT_CUT:
		(void)snprintf(out, size, "the end was cut off: entries %llu to %llu", seq, to);
		break;
	case AUDIT_REWRITTEN:
		(void)snprintf(out, size, "entries %llu to %llu are not the ones that were signed",
			seq, to);
		break;
	case AUDIT_UNSIGNED:
		(void)snprintf(
			out, size, "the checkpoint at %llu is not signed by a key of ours", seq);
		break;
	}
}

/* ---- checkpoints ---- */

static size_t mark_text(const struct audit_mark *m, char out[static 128])
{
	char hash[2 * AUDIT_HASH + 1];

	hex_encode((struct span){m->hash, sizeof(m->hash)}, hash);
	return (size_t)snprintf(
		out, 128, "carnet-audit-1 %llu %s", (unsigned long long)m->seq, hash);
}

void audit_mark_sign(struct audit_mark *m, const uint8_t seed[static 32])
{
	char text[128];
	size_t n = mark_text(m, text);

	sign_public(seed, m->key);
	sign_make(seed, (struct span){(const uint8_t *)text, n}, m->signature);
}

bool audit_mark_good(const struct audit_mark *m)
{
	char text[128];
	size_t n = mark_text(m, text);

	return sign_good(m->key, (struct span){(const uint8_t *)text, n}, m->signature);
}
