// SPDX-License-Identifier: Apache-2.0
/* Which version is meant: an id, or DEVICE@latest, DEVICE@-2 (two before the newest),
 * DEVICE@GENERATION, DEVICE@2026-01-05 (the newest at the end of that day, here),
 * DEVICE@2026-01-05T12:00:00Z, DEVICE@ID; DEVICE alone is its newest. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/base/uuid.h"
#include "common/clock/clock.h"
#include "services/cli/cli.h"

static json_t *get(struct cli *c, const struct buf *path)
{
	struct answer a;
	json_t *found = NULL;

	if (client_call(c, "GET", buf_str(path), NULL, NULL, &a) == 0)
		found = json_incref(a.json);
	else
		(void)client_problem(c, &a);
	answer_fini(&a);
	return found;
}

static json_t *by_id(struct cli *c, const char *id)
{
	struct buf path = BUF_INIT;

	buf_addf(&path, "/versions/%s", id);
	json_t *found = get(c, &path);
	buf_fini(&path);
	return found;
}

static json_t *by_generation(struct cli *c, const char *device, const char *kind, const char *text)
{
	struct buf path = BUF_INIT;
	json_t *version, *found = NULL;
	size_t i;

	buf_addf(&path, "/versions?kind=%s&device=%s&limit=1000", kind, device);
	json_t *page = get(c, &path);
	json_array_foreach(json_object_get(page, "items"), i, version)
	{
		long long n = json_integer_value(json_object_get(version, "generation"));
		if (found == NULL && n == strtoll(text, NULL, 10))
			found = json_incref(version);
	}
	if (page != NULL && found == NULL)
		(void)cli_fail(0, "there is no such version");
	json_decref(page);
	buf_fini(&path);
	return found;
}

/* A day means its end, where we are; a whole time is taken as it stands. False = neither. */
bool cli_time(const char *text, char ret[static CLOCK_RFC3339])
{
	struct tm day = {.tm_isdst = -1, .tm_sec = 59, .tm_min = 59, .tm_hour = 23};
	char more;

	if (sscanf(text, "%4d-%2d-%2d%c", &day.tm_year, &day.tm_mon, &day.tm_mday, &more) == 3) {
		day.tm_year -= 1900;
		day.tm_mon--;
		time_t end = mktime(&day);
		if (end == (time_t)-1)
			return false;
		(void)clock_rfc3339((uint64_t)end * 1000 + 999, ret);
		return true;
	}
	if (strlen(text) >= CLOCK_RFC3339 || strchr(text, 'T') == NULL)
		return false;
	memcpy(ret, text, strlen(text) + 1);
	return true;
}

static json_t *by_time(struct cli *c, const char *device, const char *kind, const char *text)
{
	char at[CLOCK_RFC3339];
	struct buf path = BUF_INIT;

	buf_addf(&path, "/versions:at?kind=%s&device=%s", kind, device);
	if (*text == '-') {
		buf_addf(&path, "&back=%ld", strtol(text + 1, NULL, 10));
	} else if (strcmp(text, "latest") != 0) {
		if (!cli_time(text, at)) {
			(void)cli_fail(0, "@%s: latest, -N, a generation, a day or a time", text);
			buf_fini(&path);
			return NULL;
		}
		buf_adds(&path, "&at=");
		request_escape(&path, at);
	}
	json_t *found = get(c, &path);
	buf_fini(&path);
	return found;
}

static bool digits(const char *text)
{
	return *text != '\0' && strspn(text, "0123456789") == strlen(text);
}

json_t *version_ref(struct cli *c, const char *ref, const char *kind)
{
	struct uuid id;
	json_t *found = NULL;

	if (uuid_parse(ref, &id) == 0)
		return by_id(c, ref);
	char *name = mem_strdup(ref);
	char *at = strrchr(name, '@');
	if (at != NULL)
		*at++ = '\0';
	char *device = resolve_device(c, name);
	if (device == NULL)
		found = NULL;
	else if (at != NULL && uuid_parse(at, &id) == 0)
		found = by_id(c, at);
	else if (at != NULL && digits(at))
		found = by_generation(c, device, kind, at);
	else
		found = by_time(c, device, kind, at == NULL ? "latest" : at);
	free(device);
	free(name);
	return found;
}

char *resolve_version(struct cli *c, const char *ref)
{
	struct uuid id;
	char *found = NULL;

	if (uuid_parse(ref, &id) == 0)
		return mem_strdup(ref);
	json_t *version = version_ref(c, ref, "address_book");
	if (version != NULL)
		found = mem_strdup(json_string_value(json_object_get(version, "id")));
	json_decref(version);
	return found;
}
