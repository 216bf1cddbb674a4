// SPDX-License-Identifier: Apache-2.0
/* messages/REGISTRY: what ids, tags and words have meant so far. An entry may be added or retired,
 * never given another meaning: processes of two versions speak to each other during an upgrade.
 * Limits and help may change; they do not change what bytes mean. */
#include <stdlib.h>
#include <string.h>

#include "schemas/gen/schemagen.h"

/* One line: "message 0x0310 lock_acquire request -> lock_answer" or
 * "field lock_acquire 3 kind enum lock_kind required" or "word lock_kind 1 own". */
struct entry {
	char *key;     /* what must stay */
	char *meaning; /* as what */
};

struct entries {
	struct entry *e;
	size_t n;
};

static void add(struct entries *all, char *key, char *meaning)
{
	*grow(all->e, all->n) = (struct entry){.key = key, .meaning = meaning};
}

static void add_message(struct entries *all, const struct message *msg)
{
	if (msg->form != F_STRUCT)
		add(all, text("message 0x%04x", msg->id),
			text("%s %s%s%s", msg->name, form_words[msg->form],
				msg->reply != NULL ? " -> " : "",
				msg->reply != NULL ? msg->reply : ""));
	for (size_t i = 0; i < msg->n; i++) {
		const struct field *f = &msg->fields[i];
		add(all, text("field %s %u", msg->name, f->tag),
			text("%s %s%s%s%s%s", f->name, f->list ? "list " : "", type_words[f->type],
				f->of != NULL ? " " : "", f->of != NULL ? f->of : "",
				f->required ? " required" : ""));
	}
	for (size_t i = 0; i < msg->n_retired; i++)
		add(all, text("field %s %u", msg->name, msg->retired[i]), text("retired"));
}

static int by_key(const void *a, const void *b)
{
	return strverscmp(((const struct entry *)a)->key, ((const struct entry *)b)->key);
}

static struct entries of_model(const struct model *m)
{
	struct entries all = {0};

	for (size_t i = 0; i < m->n; i++)
		add_message(&all, &m->messages[i]);
	for (size_t i = 0; i < m->n_retired; i++)
		add(&all, text("message 0x%04x", m->retired[i]), text("retired"));
	for (size_t i = 0; i < m->n_enums; i++) {
		const struct enumeration *e = &m->enums[i];
		for (size_t k = 0; k < e->n; k++)
			add(&all, text("word %s %u", e->name, e->words[k].number),
				text("%s", e->words[k].s));
		for (size_t k = 0; k < e->n_retired; k++)
			add(&all, text("word %s %u", e->name, e->retired[k]), text("retired"));
	}
	qsort(all.e, all.n, sizeof(*all.e), by_key);
	return all;
}

/* The key ends before the second blank, or the third of a field or word. */
static struct entry parse_entry(struct at at, char *line)
{
	char *p = strchr(line, ' ');

	if (p != NULL && strncmp(line, "message", 7) != 0)
		p = strchr(p + 1, ' ');
	p = p != NULL ? strchr(p + 1, ' ') : NULL;
	if (p == NULL)
		die(at, "unreadable line");
	*p = '\0';
	return (struct entry){.key = line, .meaning = p + 1};
}

/* Dropping `required` is allowed, adding it is not: an old sender leaves the field out. */
static bool same_meaning(const char *old, const char *now)
{
	static const char required[] = " required";
	size_t n = strlen(now);

	if (strcmp(old, now) == 0 || strcmp(now, "retired") == 0)
		return true;
	return strncmp(old, now, n) == 0 && strcmp(old + n, required) == 0;
}

static bool is_required(const char *meaning)
{
	const char *last = strrchr(meaning, ' ');

	return last != NULL && strcmp(last, " required") == 0;
}

static bool knows(const struct entries *old, const char *key)
{
	struct entry e = {.key = text("%s", key)};

	return old->n > 0 && bsearch(&e, old->e, old->n, sizeof(e), by_key) != NULL;
}

/* A new field of a message that is already spoken must not be required. */
static void check_new(struct at at, const struct entries *old, const struct entry *e)
{
	if (strncmp(e->key, "field ", 6) != 0 || !is_required(e->meaning) || knows(old, e->key))
		return;
	size_t n = (size_t)(strrchr(e->key, ' ') - e->key) + 1;
	for (size_t i = 0; i < old->n; i++) {
		if (strncmp(old->e[i].key, e->key, n) == 0)
			die(at, "new %s (%s): a required field is never added to a live message",
				e->key, e->meaning);
	}
}

static struct entries read_registry(const char *path)
{
	struct entries old = {0};
	struct at at = {.file = path, .line = 0};
	char *p = file_text(path);

	for (char *line; p != NULL && (line = strsep(&p, "\n")) != NULL;) {
		at.line++;
		if (*line != '#' && *line != '\0')
			*grow(old.e, old.n) = parse_entry(at, line);
	}
	qsort(old.e, old.n, sizeof(*old.e), by_key);
	return old;
}

/* Fields and words go with what held them; the id of a message, or the field that held a struct or
 * enum, has its own entry that says `retired`. */
static bool holder_is_gone(const struct model *m, const char *key)
{
	char *copy = text("%s", key);
	const char *kind = strsep(&copy, " ");
	const char *holder = strsep(&copy, " ");

	if (strcmp(kind, "field") == 0)
		return model_message(m, holder) == NULL;
	return strcmp(kind, "word") == 0 && model_enum(m, holder) == NULL;
}

void registry_check(const struct model *m, const char *schemas, bool write)
{
	char *path = text("%s/messages/REGISTRY", schemas);
	struct entries now = of_model(m);
	struct entries old = read_registry(path);
	struct at at = {.file = path, .line = 0};
	struct out o;

	for (size_t i = 0; i < old.n; i++) {
		const struct entry *e = bsearch(&old.e[i], now.e, now.n, sizeof(*now.e), by_key);
		if (e == NULL && holder_is_gone(m, old.e[i].key))
			continue;
		if (e == NULL)
			die(at, "%s (%s) is gone: write `retired` in its place", old.e[i].key,
				old.e[i].meaning);
		if (!same_meaning(old.e[i].meaning, e->meaning))
			die(at, "%s was '%s' and is now '%s': take a new number", old.e[i].key,
				old.e[i].meaning, e->meaning);
	}
	for (size_t i = 0; i < now.n; i++)
		check_new(at, &old, &now.e[i]);
	if (!write)
		return;
	out_raw(&o, path);
	put(&o, "# What ids, tags and words mean, for ever. Written by `make registry`: do not "
		"edit.\n");
	for (size_t i = 0; i < now.n; i++)
		put(&o, "%s %s\n", now.e[i].key, now.e[i].meaning);
	out_close(&o);
}
