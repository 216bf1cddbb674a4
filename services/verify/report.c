// SPDX-License-Identifier: Apache-2.0
/* Each finding a line: how bad, path, place, what, whose. */
#include "services/verify/report.h"

#include <stdio.h>

#include "common/clock/clock.h"
#include "common/vault/canonical.h"

static const char *const severities[] = {"note", "incomplete", "newer", "damage"};
static const char *const results[] = {
	"good", "damaged", "cannot_open", "incomplete", "usage", "needs_newer"};

/* Names on a medium may be anybody's: nothing of them reaches a terminal raw (SE-29). */
static void put_safe(struct buf *out, const char *s)
{
	for (; *s != 0; s++) {
		if ((uint8_t)*s < 0x20 || *s == 0x7f || (uint8_t)*s >= 0x80)
			buf_addf(out, "\\x%02x", (uint8_t)*s);
		else
			buf_addc(out, *s);
	}
}

static void put_line(struct buf *out, const struct finding *f)
{
	char id[UUID_TEXT];
	buf_addf(out, "%-10s ", severities[f->severity]);
	put_safe(out, f->path[0] == 0 ? "." : f->path);
	if (f->offset >= 0)
		buf_addf(out, " at %lld", (long long)f->offset);
	buf_adds(out, ": ");
	put_safe(out, f->what);
	if (f->device != NULL) {
		buf_addf(out, " (device %s", uuid_format(f->device, id));
		if (f->kind != NULL) {
			buf_addc(out, ' ');
			put_safe(out, f->kind);
		}
		if (f->generation != 0)
			buf_addf(out, " generation %llu", (unsigned long long)f->generation);
		buf_addc(out, ')');
	}
	buf_addc(out, '\n');
}

/* A text that is no UTF-8 must not break the document. */
static void put_json_text(struct buf *out, const char *s)
{
	struct buf safe = BUF_INIT;
	put_safe(&safe, s);
	canonical_put_text(out, buf_str(&safe));
	buf_fini(&safe);
}

static void put_json(struct buf *out, const struct finding *f)
{
	buf_addc(out, '{');
	if (f->device != NULL) {
		canonical_put_uuid(out, "\"device\":", f->device);
		buf_addc(out, ',');
	}
	if (f->generation != 0)
		buf_addf(out, "\"generation\":%llu,", (unsigned long long)f->generation);
	if (f->kind != NULL) {
		buf_adds(out, "\"kind\":");
		put_json_text(out, f->kind);
		buf_addc(out, ',');
	}
	if (f->offset >= 0)
		buf_addf(out, "\"offset\":%lld,", (long long)f->offset);
	buf_adds(out, "\"path\":");
	put_json_text(out, f->path);
	buf_addf(out, ",\"severity\":\"%s\",\"what\":", severities[f->severity]);
	put_json_text(out, f->what);
	buf_addc(out, '}');
}

void report_begin(struct report *r)
{
	if (r->json)
		(void)printf("{\"findings\":[");
}

void report_finding(void *arg, const struct finding *f)
{
	struct report *r = arg;
	struct buf out = BUF_INIT;
	if (r->json && r->any)
		buf_adds(&out, ",\n");
	if (r->json)
		put_json(&out, f);
	else
		put_line(&out, f);
	r->any = true;
	(void)fputs(buf_str(&out), stdout);
	buf_fini(&out);
}

static void end_text(const struct verify *v, int code)
{
	char id[UUID_TEXT], time[CLOCK_RFC3339];
	(void)printf("vault %s: %llu devices, %llu versions (%llu erased), %llu objects %s, %llu "
		     "bytes\n",
		uuid_format(&v->medium.id, id), (unsigned long long)v->devices,
		(unsigned long long)v->versions, (unsigned long long)v->erased,
		(unsigned long long)v->objects, v->quick ? "looked for" : "read",
		(unsigned long long)v->bytes);
	if (v->passport.serial != 0)
		(void)printf("passport %llu of %s\n", (unsigned long long)v->passport.serial,
			clock_rfc3339(v->passport.made_ms, time));
	(void)printf("%s: %llu damaged, %llu incomplete, %llu too new\n", results[code],
		(unsigned long long)v->count[FINDING_DAMAGE],
		(unsigned long long)v->count[FINDING_INCOMPLETE],
		(unsigned long long)v->count[FINDING_NEWER]);
}

void report_end(struct report *r, const struct verify *v, int code)
{
	char id[UUID_TEXT], time[CLOCK_RFC3339];
	if (!r->json) {
		end_text(v, code);
		return;
	}
	(void)printf("],\"bytes\":%llu,\"devices\":%llu,\"erased\":%llu,\"objects\":%llu",
		(unsigned long long)v->bytes, (unsigned long long)v->devices,
		(unsigned long long)v->erased, (unsigned long long)v->objects);
	if (v->passport.serial != 0)
		(void)printf(",\"passport\":{\"made_at\":\"%s\",\"serial\":%llu}",
			clock_rfc3339(v->passport.made_ms, time),
			(unsigned long long)v->passport.serial);
	(void)printf(",\"result\":\"%s\",\"vault\":\"%s\",\"versions\":%llu}\n", results[code],
		uuid_format(&v->medium.id, id), (unsigned long long)v->versions);
}
