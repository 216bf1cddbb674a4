// SPDX-License-Identifier: Apache-2.0
/* Reader of the data of print servers. */
#include "services/worker/adapters/jetdirect.h"

#include <stdlib.h>
#include <string.h>

#include "common/msg/msg.h"

enum { TEXT_LOOKED_AT = 4096 };

/* ---- sessions ---- */

static const json_t *member(const struct profile *p, const char *name)
{
	return p ? json_object_get(p->data, name) : NULL;
}

/* The number behind the first "<letter>.": "L.20.07" is 20; -1 = none. */
static int firmware_number(const char *s)
{
	for (; s && *s; s++)
		if (((*s >= 'A' && *s <= 'Z') || (*s >= 'a' && *s <= 'z')) && s[1] == '.' &&
			s[2] >= '0' && s[2] <= '9')
			return (int)strtol(s + 2, NULL, 10);
	return -1;
}

static bool names_model(const json_t *group, const char *model)
{
	const json_t *models = json_object_get(group, "models");

	for (size_t i = 0; model && i < json_array_size(models); i++) {
		const char *word = json_string_value(json_array_get(models, i));
		if (word && strcasestr(model, word))
			return true;
	}
	return false;
}

static bool has_firmware(const json_t *group, const char *model, const char *firmware)
{
	const json_t *from = json_object_get(group, "firmware_from");
	int n = firmware_number(firmware);

	if (n < 0) /* sysDescr has it behind this word */
		n = firmware_number(model ? strstr(model, "EEPROM") : NULL);
	return json_is_integer(from) && n >= (int)json_integer_value(from);
}

static uint32_t number(const json_t *o, const char *name)
{
	return (uint32_t)json_integer_value(json_object_get(o, name));
}

static struct jetdirect_sessions sessions_of(const json_t *group)
{
	const json_t *o = json_object_get(group, "sessions");

	return (struct jetdirect_sessions){
		.max = number(o, "max"), .idle_ms = number(o, "idle_ms")};
}

struct jetdirect_sessions jetdirect_sessions(
	const struct profile *p, const char *model, const char *firmware)
{
	const json_t *groups = member(p, "models");
	struct jetdirect_sessions least = {.max = 0}, s;

	for (size_t i = 0; i < json_array_size(groups); i++) {
		const json_t *group = json_array_get(groups, i);
		if (has_firmware(group, model, firmware))
			return sessions_of(group);
	}
	for (size_t i = 0; i < json_array_size(groups); i++) {
		const json_t *group = json_array_get(groups, i);
		s = sessions_of(group);
		if (names_model(group, model))
			return s;
		if (least.max == 0 || s.max < least.max)
			least = s;
	}
	return least;
}

unsigned jetdirect_ours(const struct jetdirect_sessions *s)
{
	return s->max > 1 ? 1 : 0;
}

struct jetdirect_waits jetdirect_waits(const struct profile *p)
{
	const json_t *o = member(p, "waits");

	return (struct jetdirect_waits){.reply_ms = number(o, "reply_ms"),
		.stall_ms = number(o, "stall_ms"),
		.stored_ms = number(o, "stored_ms")};
}

/* ---- languages ---- */

static bool begins(struct span file, const char *word)
{
	size_t n = word ? strlen(word) : 0;

	return n > 0 && file.n >= n && memcmp(file.p, word, n) == 0;
}

static bool begins_with_one(struct span file, const json_t *words)
{
	for (size_t i = 0; i < json_array_size(words); i++)
		if (begins(file, json_string_value(json_array_get(words, i))))
			return true;
	return false;
}

/* Lines of letters of any 8-bit set; nothing that a printer would take for a command. */
static bool is_text(struct span file)
{
	size_t n = size_min(file.n, TEXT_LOOKED_AT);

	for (size_t i = 0; i < n; i++) {
		uint8_t c = file.p[i];
		if ((c < 0x20 && !strchr("\t\n\f\r", c)) || c == 0 || c == 0x7f)
			return false;
	}
	return n > 0;
}

const char *jetdirect_language(const struct profile *p, struct span file)
{
	const json_t *print = member(p, "print"), *list = json_object_get(print, "languages");
	bool other = begins_with_one(file, json_object_get(print, "not_text"));

	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *language = json_array_get(list, i);
		bool text = json_is_true(json_object_get(language, "text"));
		if (text ? !other && is_text(file)
			 : begins_with_one(file, json_object_get(language, "begins")))
			return json_string_value(json_object_get(language, "name"));
	}
	return NULL;
}
