// SPDX-License-Identifier: Apache-2.0
/* Problem documents (RFC 9457) and languages. */
#include "services/gateway/problem.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "gen/errors.h"

const char *problem_lang(const char *accept_language)
{
	static const char *const known[] = {"en", "fr", "ja"};

	for (const char *p = accept_language; p != NULL && *p != '\0';) {
		while (*p == ' ' || *p == ',')
			p++;
		for (size_t i = 0; i < array_len(known); i++)
			if (strncmp(p, known[i], 2) == 0 && !isalpha((unsigned char)p[2]))
				return known[i];
		p = strchr(p, ',');
	}
	return "en";
}

unsigned problem_status(const struct fault *f)
{
	if (f->code == CN_CONFLICT && strcmp(f->reason, "version") == 0)
		return 412;
	if (f->code == CN_NOT_FOUND && strcmp(f->reason, "method") == 0)
		return 405;
	/* a service or the database is away: try again, unlike a fault of ours */
	if (f->code == CN_INTERNAL_ERROR &&
		(strcmp(f->reason, "unavailable") == 0 || strcmp(f->reason, "database") == 0))
		return 503;
	return (unsigned)error_info(f->code)->status;
}

static int lang_index(const char *lang)
{
	return strcmp(lang, "fr") == 0 ? 1 : strcmp(lang, "ja") == 0 ? 2 : 0;
}

json_t *problem_json(const struct fault *f, const char *lang, const struct uuid *trace)
{
	const struct error_info *e = error_info(f->code);
	const struct error_info *why =
		error_reason(f->reason); /* finer words, where there are some */
	char type[64];
	char code[16];
	char id[UUID_TEXT];

	(void)snprintf(code, sizeof(code), "CN-%04d", e->code);
	(void)snprintf(type, sizeof(type), "/api/v1/explain/%s", code);
	json_t *doc = json_pack("{s:s, s:s, s:i, s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "type", type,
		"title", (why == NULL ? e : why)->text[lang_index(lang)], "status",
		(int)problem_status(f), "detail", f->detail, "code", code, "name", e->name,
		"reason", f->reason, "hint", (why == NULL ? e : why)->hint[lang_index(lang)], "who",
		error_who_words[e->who], "trace", uuid_format(trace, id));
	if (problem_status(f) == 412) { /* what was asked for, and what is there (FL-70) */
		(void)json_object_set_new(doc, "if_version", json_integer(f->needs));
		(void)json_object_set_new(doc, "version", json_integer(f->has));
	} else if (f->needs != 0) { /* somebody is too old (ST-50) */
		(void)json_object_set_new(doc, "needs", json_integer(f->needs));
		(void)json_object_set_new(doc, "has", json_integer(f->has));
	}
	return doc;
}

static const struct msg_field *field_of(const struct msg_desc *d, const char *name, size_t n)
{
	for (size_t i = 0; d != NULL && i < d->n_fields; i++)
		if (strncmp(d->fields[i].name, name, n) == 0 && d->fields[i].name[n] == '\0')
			return &d->fields[i];
	return NULL;
}

void problem_field(
	json_t *doc, const struct fault *f, const struct msg_desc *request, const char *body)
{
	const char *path = f->detail;
	size_t first = strcspn(path, ".[: ");
	const struct msg_field *whole = body == NULL ? NULL : field_of(request, body, strlen(body));

	if (whole != NULL && field_of(request, path, first) == whole && path[first] == '.') {
		path += first + 1;
		first = strcspn(path, ".[: ");
	}
	size_t end = first + strspn(path + first, "abcdefghijklmnopqrstuvwxyz0123456789_.[]");
	bool known = field_of(request, path, first) != NULL ||
		     (whole != NULL && field_of(whole->desc, path, first) != NULL) ||
		     strcmp(f->reason, "unknown_member") == 0;
	if (first == 0 || path[end] != ':' || !known)
		return;
	(void)json_object_set_new(doc, "field", json_stringn(path, end));
}
