// SPDX-License-Identifier: Apache-2.0
/* Which properties and values may be written to a Ricoh machine. */
#include "services/worker/adapters/ricoh_known.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TAG_LAST 26u

const struct ricoh_rule ricoh_rules[RICOH_RULES] = {
	{"entryType", RICOH_FIXED, 0, 0, {NULL}},
	{"id", RICOH_FIXED, 0, 0, {NULL}},
	{"index", RICOH_NUMBER, 1, 99999, {NULL}},
	{"name", RICOH_TEXT, 0, 0, {NULL}},
	{"longName", RICOH_TEXT, 0, 0, {NULL}},
	{"phoneticName", RICOH_TEXT, 0, 0, {NULL}},
	{"displayedOrder", RICOH_NUMBER, 1, 10, {NULL}},
	{"tagId", RICOH_TAGS, 0, 0, {NULL}},
	{"isSender", RICOH_BOOL, 0, 0, {NULL}},
	{"isDestination", RICOH_BOOL, 0, 0, {NULL}},
	{"auth:", RICOH_BOOL, 0, 0, {NULL}},
	{"auth:name", RICOH_TEXT, 0, 0, {NULL}},
	{"mail:", RICOH_BOOL, 0, 0, {NULL}},
	{"mail:address", RICOH_TEXT, 0, 0, {NULL}},
	{"mail:parameter", RICOH_OPEN, 0, 0, {NULL}},
	{"mail:isDirectSMTP", RICOH_BOOL, 0, 0, {NULL}},
	{"fax:", RICOH_BOOL, 0, 0, {NULL}},
	{"fax:number", RICOH_TEXT, 0, 0, {NULL}},
	{"fax:lineType", RICOH_OPEN, 0, 0, {NULL}},
	{"fax:isAbroad", RICOH_BOOL, 0, 0, {NULL}},
	{"fax:parameter", RICOH_OPEN, 0, 0, {NULL}},
	{"faxAux:label1", RICOH_OPEN, 0, 0, {NULL}},
	{"faxAux:label2String", RICOH_OPEN, 0, 0, {NULL}},
	{"faxAux:messageNo", RICOH_OPEN, 0, 0, {NULL}},
	{"faxAux:ttiNo", RICOH_OPEN, 0, 0, {NULL}},
	{"ifax:", RICOH_BOOL, 0, 0, {NULL}},
	{"ifax:address", RICOH_TEXT, 0, 0, {NULL}},
	{"ifax:isDirectSMTP", RICOH_BOOL, 0, 0, {NULL}},
	{"ifax:parameter", RICOH_OPEN, 0, 0, {NULL}},
	{"remoteFolder:", RICOH_BOOL, 0, 0, {NULL}},
	{"remoteFolder:type", RICOH_WORD, 0, 0, {"smb", "ftp", "ncp", NULL}},
	{"remoteFolder:serverName", RICOH_TEXT, 0, 0, {NULL}},
	{"remoteFolder:path", RICOH_TEXT, 0, 0, {NULL}},
	{"remoteFolder:port", RICOH_NUMBER, 1, 65535, {NULL}},
	{"remoteFolder:accountName", RICOH_TEXT, 0, 0, {NULL}},
	{"remoteFolder:select", RICOH_WORD, 0, 0, {"", "private", NULL}},
	{"remoteFolder:logonMode", RICOH_OPEN, 0, 0, {NULL}},
	{"remoteFolder:characterEncoding", RICOH_OPEN, 0, 0, {NULL}},
	{"ldap:", RICOH_BOOL, 0, 0, {NULL}},
	{"ldap:accountName", RICOH_TEXT, 0, 0, {NULL}},
	{"ldap:select", RICOH_WORD, 0, 0, {"", "private", NULL}},
	{"smtp:", RICOH_BOOL, 0, 0, {NULL}},
	{"smtp:accountName", RICOH_TEXT, 0, 0, {NULL}},
	{"smtp:select", RICOH_WORD, 0, 0, {"", "private", NULL}},
};

/* Neither content nor ever written. */
static const char *const SILENT[] = {"lastAccessDateTime", "faxAux:", "password:password",
	"password:passwordEncoding", "auth:password", "remoteFolder:password",
	"remoteFolder:passwordEncoding", "ldap:password", "ldap:passwordEncoding", "smtp:password",
	"smtp:passwordEncoding"};

/* ---- values ---- */

const struct ricoh_rule *ricoh_rule(const char *name)
{
	for (size_t i = 0; i < RICOH_RULES; i++)
		if (strcmp(ricoh_rules[i].name, name) == 0)
			return &ricoh_rules[i];
	return NULL;
}

bool ricoh_is_silent(const char *name)
{
	for (size_t i = 0; i < array_len(SILENT); i++)
		if (strcmp(SILENT[i], name) == 0)
			return true;
	return false;
}

static bool number_within(const char *s, uint32_t min, uint32_t max)
{
	size_t digits = strspn(s, "0123456789");
	unsigned long v = digits > 0 && digits < 10 && !s[digits] ? strtoul(s, NULL, 10) : 0;

	return v >= min && v <= max && v > 0;
}

/* "1,3" as bits; 0 = none, or a tag that nobody published. */
static uint32_t tag_bits(const char *s)
{
	uint32_t bits = 0;

	while (*s) {
		char *end;
		unsigned long v = *s >= '0' && *s <= '9' ? strtoul(s, &end, 10) : 0;

		if (v == 0 || v > TAG_LAST || (*end && *end != ','))
			return 0;
		bits |= 1u << v;
		s = end + (*end == ',');
	}
	return bits;
}

static bool is_word(const struct ricoh_rule *k, const char *value)
{
	for (size_t i = 0; k->words[i]; i++)
		if (strcmp(k->words[i], value) == 0)
			return true;
	return false;
}

static int said_key(char *key, size_t size, const char *name, const char *value)
{
	int n = snprintf(key, size, "%s\n%s", name, value);

	return n > 0 && (size_t)n < size ? n : -1;
}

void ricoh_said_add(struct ricoh_said *s, const struct ricoh_objects *o)
{
	static char yes;
	char key[256];

	for (size_t i = 0; i < o->n; i++)
		for (size_t j = 0; j < o->object[i].n; j++) {
			const struct ricoh_prop *p = &o->object[i].prop[j];
			const struct ricoh_rule *k = ricoh_rule(p->name);
			int n = k && k->class == RICOH_OPEN
					? said_key(key, sizeof(key), p->name, p->value)
					: -1;
			if (n > 0 && s->values.n < 4096)
				(void)map_put(&s->values, key, (size_t)n, &yes);
		}
}

void ricoh_said_fini(struct ricoh_said *s)
{
	map_fini(&s->values);
}

static bool was_said(const struct ricoh_said *s, const char *name, const char *value)
{
	char key[256];
	int n = s ? said_key(key, sizeof(key), name, value) : -1;

	return n > 0 && map_get(&s->values, key, (size_t)n);
}

bool ricoh_writable(const struct ricoh_rule *k, const char *value, const struct ricoh_said *now,
	const struct ricoh_said *said)
{
	switch (k->class) {
	case RICOH_TEXT:
		return true;
	case RICOH_NUMBER:
		return number_within(value, k->min, k->max);
	case RICOH_BOOL:
		return strcmp(value, "true") == 0 || strcmp(value, "false") == 0;
	case RICOH_TAGS:
		return tag_bits(value) != 0;
	case RICOH_WORD:
		return is_word(k, value);
	case RICOH_OPEN:
		return was_said(now, k->name, value) || was_said(said, k->name, value);
	case RICOH_FIXED:
		return false;
	}
	return false;
}

bool ricoh_same_value(const struct ricoh_rule *k, const char *a, const char *b)
{
	return strcmp(a, b) == 0 ||
	       (k->class == RICOH_TAGS && tag_bits(a) && tag_bits(a) == tag_bits(b));
}

const struct ricoh_rule *ricoh_switch_of(const struct ricoh_rule *k)
{
	const char *colon = strchr(k->name, ':');

	if (!colon || !colon[1] || strncmp(k->name, "faxAux:", 7) == 0)
		return NULL;
	for (size_t i = 0; i < RICOH_RULES; i++)
		if (strncmp(ricoh_rules[i].name, k->name, (size_t)(colon - k->name) + 1) == 0 &&
			!ricoh_rules[i].name[colon - k->name + 1])
			return &ricoh_rules[i];
	return NULL;
}
