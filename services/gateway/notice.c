// SPDX-License-Identifier: Apache-2.0
/* Pure: the rules of notices. */
#include "services/gateway/notice.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "common/base/ascii.h"
#include "common/clock/clock.h"
#include "gen/errors.h"

#define HOUR_MS 3600000
#define DAY_MS (24 * (int64_t)HOUR_MS)

/* ---- the event ---- */

void notice_url(const struct notice *n, const char *base, struct buf *out)
{
	static const char *const pages[][2] = {{"run/", "runs"}, {"device/", "devices"}};

	for (size_t i = 0; *base != '\0' && i < array_len(pages); i++) {
		size_t len = strlen(pages[i][0]);
		if (strncmp(n->subject, pages[i][0], len) == 0)
			buf_addf(out, "%s/%s/%s", base, pages[i][1], n->subject + len);
	}
}

int notice_event(const struct notice *n, const char *source, const char *base, struct buf *out)
{
	char id[UUID_TEXT], at[CLOCK_RFC3339], type[96];
	json_t *data = json_loads(n->data, JSON_REJECT_DUPLICATES, NULL);
	struct buf url = BUF_INIT;

	if (!json_is_object(data)) {
		json_decref(data);
		return -1;
	}
	notice_url(n, base, &url);
	if (url.n > 0)
		(void)json_object_set_new(data, "url", json_string(buf_str(&url)));
	buf_fini(&url);
	(void)snprintf(type, sizeof(type), "carnet.%s.v1", n->kind);
	json_t *event = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:o}", "specversion", "1.0",
		"id", uuid_format(&n->id, id), "source", source, "type", type, "subject",
		n->subject, "time", clock_rfc3339((uint64_t)n->at_ms, at), "datacontenttype",
		"application/json", "data", data);
	char *text = event == NULL ? NULL : json_dumps(event, JSON_COMPACT | JSON_SORT_KEYS);
	json_decref(event);
	if (text == NULL)
		return -1;
	buf_adds(out, text);
	free(text);
	return 0;
}

/* ---- answers and times ---- */

enum notice_fate notice_fate(long status)
{
	if (status >= 200 && status < 300)
		return NOTICE_DONE;
	if (status == 0 || status == 408 || status == 425 || status == 429 || status >= 500)
		return NOTICE_AGAIN;
	return NOTICE_DEAD;
}

uint64_t notice_wait_ms(
	uint64_t attempts, uint64_t first_ms, uint64_t random, uint64_t retry_after_ms)
{
	uint64_t most = first_ms;

	for (uint64_t i = 1; i < attempts && most < HOUR_MS; i++)
		most *= 2;
	most = most > HOUR_MS ? HOUR_MS : most;
	uint64_t wait = random % (most + 1);
	return wait > retry_after_ms ? wait : retry_after_ms;
}

/* "Tue, 05 Jan 2027 01:20:30 GMT" → ms since 1970, or -1. */
static int64_t http_date(const char *s)
{
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	char month[4] = "";
	struct tm tm = {.tm_year = 0};

	if (sscanf(s, "%*3[A-Za-z], %2d %3[A-Za-z] %4d %2d:%2d:%2d GMT", &tm.tm_mday, month,
		    &tm.tm_year, &tm.tm_hour, &tm.tm_min, &tm.tm_sec) != 6)
		return -1;
	const char *at = strstr(months, month);
	if (at == NULL || strlen(month) != 3 || (at - months) % 3 != 0)
		return -1;
	tm.tm_mon = (int)(at - months) / 3;
	tm.tm_year -= 1900;
	return 1000 * (int64_t)timegm(&tm);
}

uint64_t notice_retry_after_ms(const char *value, uint64_t now_ms)
{
	char *end;

	value += strspn(value, " \t");
	if (ascii_digit(*value)) {
		unsigned long long s = strtoull(value, &end, 10);
		return *end != '\0' ? 0 : 1000 * (uint64_t)(s > 604800 ? 604800 : s);
	}
	int64_t at = http_date(value);
	return at > (int64_t)now_ms ? (uint64_t)at - now_ms : 0;
}

int64_t notice_due_ms(int digest, int64_t now_ms)
{
	int64_t step = digest == 3 ? DAY_MS : HOUR_MS;

	return digest == 1 ? now_ms : now_ms - now_ms % step + step;
}

/* ---- what people write ---- */

static int bad_url(struct fault *reterr, const char *why)
{
	return fault_why(reterr, CN_VALIDATION_FAILED, "webhook_url", "url: %s", why);
}

static bool port_of(const char *text, size_t n, unsigned *ret)
{
	unsigned port = 0;

	for (size_t i = 1; i < n; i++) {
		if (!ascii_digit(text[i]) || i > 5)
			return false;
		port = port * 10 + (unsigned)(text[i] - '0');
	}
	if (n > 0 && (n < 2 || port == 0 || port > 65535))
		return false;
	*ret = port;
	return true;
}

int notice_target(const char *url, struct notice_target *ret, struct fault *reterr)
{
	struct notice_target t = {.tls = strncasecmp(url, "https://", 8) == 0};

	if (!t.tls && strncasecmp(url, "http://", 7) != 0)
		return bad_url(reterr, "must begin with https:// or http://");
	for (const char *p = url; *p != '\0'; p++)
		if ((unsigned char)*p <= ' ' || (unsigned char)*p >= 0x7f || *p == '\\')
			return bad_url(reterr, "no blanks, and only ASCII: write names with xn--");
	const char *host = url + (t.tls ? 8 : 7), *end;
	size_t n = strcspn(host, "/?#");
	if (memchr(host, '@', n) != NULL)
		return bad_url(reterr, "no user and password here: use the token");
	if (strchr(host, '#') != NULL)
		return bad_url(reterr, "no fragment");
	bool v6 = *host == '[';
	end = v6 ? memchr(host, ']', n) : memchr(host, ':', n);
	size_t len = end == NULL ? n : (size_t)(end - host);
	if (v6 && end == NULL)
		return bad_url(reterr, "a bracket is open");
	if (len <= (size_t)v6 || len - (size_t)v6 >= sizeof(t.host))
		return bad_url(reterr, "names no host");
	memcpy(t.host, host + v6, len - (size_t)v6);
	len += v6;
	if ((n > len && host[len] != ':') || !port_of(host + len, n - len, &t.port))
		return bad_url(reterr, "that is no port");
	if (t.port == 0)
		t.port = t.tls ? 443 : 80;
	*ret = t;
	return 0;
}

bool notice_header_name(const char *name)
{
	static const char *const ours[] = {"content-type", "content-length", "host", "connection",
		"transfer-encoding", "expect", "te", "trailer", "upgrade", "accept-encoding"};
	size_t n = strlen(name);

	for (size_t i = 0; i < array_len(ours); i++)
		if (strcasecmp(name, ours[i]) == 0)
			return false;
	for (size_t i = 0; i < n; i++)
		if (!ascii_alpha(name[i]) && !ascii_digit(name[i]) && name[i] != '-' &&
			name[i] != '_')
			return false;
	return n > 0 && n <= 64 && strncasecmp(name, "carnet-", 7) != 0;
}

const char *const notice_kinds[] = {"run.finished", "job.failed", "approval.wanted",
	"device.auth_hold", "device.tls_pin_changed", "device.identity_mismatch", "book.changed",
	"backup.overdue", "vault.verify_failed", "alarm.address_conflict", "alarm.data_loss",
	"alarm.default_credential", "alarm.device_half_written", "alarm.drill_failed",
	"alarm.events_lost", "alarm.not_backed_up_again", "alarm.scrub_late",
	"alarm.token_rollback", NULL};

bool notice_kind(const char *pattern)
{
	size_t n = strlen(pattern);
	bool open = n > 0 && pattern[n - 1] == '*';

	for (const char *const *kind = notice_kinds; *kind != NULL; kind++)
		if (open ? strncmp(*kind, pattern, n - 1) == 0 : strcmp(*kind, pattern) == 0)
			return true;
	return false;
}
