// SPDX-License-Identifier: Apache-2.0
/* Puts schemas/profiles/book/<family>.json into the programs as they are, after a strict check: a
 * member that nobody reads is an error with its line, not a limit that is silently not kept. */
#include <ctype.h>
#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "schemas/gen/schemagen.h"

enum want {
	TEXT,    /* "…" */
	WORD,    /* one of words */
	TEXTS,   /* ["…", …] */
	FLAG,    /* true, false */
	COUNT,   /* a number, or null = unknown */
	OBJECT,  /* {…} of members */
	OBJECTS, /* [{…}, …] of members */
};

struct member {
	const char *name;
	enum want want;
	bool required;
	const struct member *of;  /* name NULL ends */
	const char *const *words; /* NULL ends */
};

static const char *const grades[] = {"A", "B", "B-", "C", "D", NULL};
static const char *const units[] = {"characters", "bytes", NULL};
static const char *const together[] = {"any", "kind", "protocol", "one", NULL};
static const char *const smb[] = {"path", "share", "unc_too", "unc", NULL};

/* clang-format off */
static const struct member destinations[] = {
	{"together", WORD, true, NULL, together}, {"required", FLAG, false, NULL, NULL},
	{"kinds", TEXTS, true, NULL, NULL}, {"protocols", TEXTS, true, NULL, NULL},
	{"lacks", TEXTS, false, NULL, NULL}, {"smb", WORD, true, NULL, smb}, {0}};
static const struct member most[] = {
	{"max", COUNT, true, NULL, NULL}, {"grade", WORD, false, NULL, grades},
	{"note", TEXT, false, NULL, NULL}, {0}};
static const struct member groups[] = {
	{"members", OBJECT, true, most, NULL}, {"same_list", FLAG, false, NULL, NULL},
	{"on_member", FLAG, false, NULL, NULL}, {"nested", FLAG, true, NULL, NULL},
	{"no_ask_password", FLAG, false, NULL, NULL}, {"note", TEXT, false, NULL, NULL}, {0}};
static const struct member names[] = {{"required", FLAG, true, NULL, NULL}, {0}};
static const struct member tags[] = {
	{"system", TEXT, true, NULL, NULL}, {"values", TEXTS, true, NULL, NULL}, {0}};
static const struct member letter_groups[] = {
	{"value", TEXT, true, NULL, NULL}, {"letters", TEXT, true, NULL, NULL}, {0}};
static const struct member letters[] = {
	{"system", TEXT, true, NULL, NULL}, {"groups", OBJECTS, true, letter_groups, NULL}, {0}};
static const struct member lists[] = {
	{"slots", TEXTS, true, NULL, NULL}, {"kind", TEXT, true, NULL, NULL},
	{"name", TEXT, false, NULL, NULL}, {"capacity", COUNT, false, NULL, NULL},
	{"together", COUNT, false, NULL, NULL}, {"grade", WORD, false, NULL, grades},
	{"first", COUNT, false, NULL, NULL}, {"last", COUNT, false, NULL, NULL},
	{"note", TEXT, false, NULL, NULL}, {0}};
static const struct member limits[] = {
	{"kind", TEXT, true, NULL, NULL}, {"field", TEXT, true, NULL, NULL},
	{"max", COUNT, true, NULL, NULL}, {"unit", WORD, false, NULL, units},
	{"grade", WORD, false, NULL, grades}, {0}};
static const struct member defaults[] = {
	{"kind", TEXT, true, NULL, NULL}, {"field", TEXT, true, NULL, NULL},
	{"value", TEXT, true, NULL, NULL}, {0}};

/* What a family says, and what a variant of it may say otherwise. */
#define COMMON(required)                                                                           \
	{"title", TEXT, required, NULL, NULL}, {"codec", TEXT, required, NULL, NULL},              \
	{"charset", TEXT, required, NULL, NULL}, {"neutral", FLAG, false, NULL, NULL},             \
	{"destinations", OBJECT, required, destinations, NULL},                                    \
	{"groups", OBJECT, required, groups, NULL}, {"names", OBJECT, required, names, NULL},      \
	{"key_uuid", FLAG, false, NULL, NULL}, {"list_names", FLAG, false, NULL, NULL},            \
	{"numbers_required", FLAG, false, NULL, NULL},                                             \
	{"whole_model", FLAG, false, NULL, NULL}, {"controls", TEXT, required, NULL, NULL},           \
	{"tags", OBJECTS, required, tags, NULL}, {"tags_once", FLAG, false, NULL, NULL}, {"letters", OBJECT, false, letters, NULL},          \
	{"lists", OBJECTS, required, lists, NULL}, {"entries", OBJECT, required, most, NULL},      \
	{"limits", OBJECTS, required, limits, NULL},                                               \
	{"defaults", OBJECTS, required, defaults, NULL},                                           \
	{"volatile_extras", TEXTS, required, NULL, NULL},                                          \
	{"side_effects", TEXTS, required, NULL, NULL}, {"models", TEXTS, false, NULL, NULL},       \
	{"note", TEXT, false, NULL, NULL}
static const struct member variants[] = {
	{"name", TEXT, true, NULL, NULL}, COMMON(false), {0}};
static const struct member family[] = {
	{"family", TEXT, true, NULL, NULL}, COMMON(true), {"variants", OBJECTS, false, variants, NULL}, {0}};
/* clang-format on */

static const struct member root = {"", OBJECT, true, family, NULL};

struct json {
	const char *p;
	struct at at;
};

static void skip(struct json *j)
{
	for (; *j->p != '\0' && isspace((unsigned char)*j->p); j->p++)
		j->at.line += *j->p == '\n';
}

static bool eat(struct json *j, char c)
{
	skip(j);
	if (*j->p != c)
		return false;
	j->p++;
	return true;
}

static void need(struct json *j, char c)
{
	if (!eat(j, c))
		die(j->at, "'%c' expected", c);
}

/* Its text with escapes as they stand: names and words have none. */
static char *string(struct json *j)
{
	need(j, '"');
	const char *begin = j->p;
	for (; *j->p != '"'; j->p++) {
		if ((unsigned char)*j->p < 0x20)
			die(j->at, "text does not end on its line");
		if (*j->p == '\\' && *++j->p == 'u')
			die(j->at, "write the character instead of \\u");
	}
	return text("%.*s", (int)(j->p++ - begin), begin);
}

static bool literal(struct json *j, const char *word)
{
	size_t n = strlen(word);

	skip(j);
	if (strncmp(j->p, word, n) != 0 || isalnum((unsigned char)j->p[n]))
		return false;
	j->p += n;
	return true;
}

static void count(struct json *j, const char *name)
{
	if (literal(j, "null"))
		return;
	size_t n = strspn(j->p, "0123456789");
	if (n == 0 || n > 9 || (n > 1 && *j->p == '0'))
		die(j->at, "%s: a whole number or null expected", name);
	j->p += n;
}

static void one_of(struct json *j, const struct member *m)
{
	char *s = string(j);

	for (const char *const *w = m->words; *w != NULL; w++)
		if (strcmp(*w, s) == 0)
			return;
	die(j->at, "%s: '%s' is none of its words", m->name, s);
}

static void value(struct json *j, const struct member *m);

static void members(struct json *j, const struct member *of)
{
	uint64_t seen = 0;

	need(j, '{');
	do {
		char *name = string(j);
		size_t i = 0;
		while (of[i].name != NULL && strcmp(of[i].name, name) != 0)
			i++;
		if (of[i].name == NULL)
			die(j->at, "unknown member '%s'", name);
		if ((seen & 1ull << i) != 0)
			die(j->at, "'%s' stands here twice", name);
		seen |= 1ull << i;
		need(j, ':');
		value(j, &of[i]);
	} while (eat(j, ','));
	need(j, '}');
	for (size_t i = 0; of[i].name != NULL; i++)
		if (of[i].required && (seen & 1ull << i) == 0)
			die(j->at, "'%s' is missing in what ends here", of[i].name);
}

static void array(struct json *j, const struct member *of)
{
	need(j, '[');
	if (eat(j, ']'))
		return;
	do {
		if (of != NULL)
			members(j, of);
		else
			(void)string(j);
	} while (eat(j, ','));
	need(j, ']');
}

static void value(struct json *j, const struct member *m)
{
	switch (m->want) {
	case TEXT:
		(void)string(j);
		break;
	case WORD:
		one_of(j, m);
		break;
	case TEXTS:
	case OBJECTS:
		array(j, m->of);
		break;
	case FLAG:
		if (!literal(j, "true") && !literal(j, "false"))
			die(j->at, "%s: true or false expected", m->name);
		break;
	case COUNT:
		count(j, m->name);
		break;
	case OBJECT:
		members(j, m->of);
		break;
	}
}

static int is_json(const struct dirent *d)
{
	size_t n = strlen(d->d_name);

	return n > 5 && strcmp(d->d_name + n - 5, ".json") == 0;
}

static void put_bytes(struct out *o, const char *s)
{
	for (size_t i = 0; s[i] != '\0'; i++)
		put(o, "%s%u,", i % 20 == 0 ? "\n\t" : " ", (unsigned)(unsigned char)s[i]);
}

char *check_profile(const char *path)
{
	char *s = file_text(path);
	struct json j = {.p = s, .at = {.file = path, .line = 1}};

	if (s == NULL)
		die(j.at, "cannot be read");
	value(&j, &root);
	skip(&j);
	if (*j.p != '\0')
		die(j.at, "something stands behind the end");
	return s;
}

void make_profiles(const char *schemas, const char *dir)
{
	struct dirent **files;
	struct out o;
	char *from = text("%s/profiles/book", schemas);
	int n = scandir(from, &files, is_json, alphasort);

	if (n <= 0)
		die((struct at){.file = from, .line = 0}, "no profiles of address books");
	out_open(&o, dir, "profiles.h",
		"What each family's address book can hold: schemas/profiles/book.");
	put(&o,
		"#include <stddef.h>\n\n"
		"struct profile_file {\n\tconst char *name; /* without .json */\n"
		"\tconst unsigned char *bytes;\n\tsize_t n;\n};\n\n"
		"#define PROFILE_FILES %d\nextern const struct profile_file profile_files[%d];\n",
		n, n);
	out_close(&o);

	out_open(&o, dir, "profiles.c", "What each family's address book can hold.");
	put(&o, "#include \"gen/profiles.h\"\n");
	for (int i = 0; i < n; i++) {
		char *s = check_profile(text("%s/%s", from, files[i]->d_name));
		put(&o, "\nstatic const unsigned char file_%d[] = {", i);
		put_bytes(&o, s);
		put(&o, "\n};\n");
	}
	put(&o, "\nconst struct profile_file profile_files[%d] = {\n", n);
	for (int i = 0; i < n; i++)
		put(&o, "\t{\"%.*s\", file_%d, sizeof(file_%d)},\n",
			(int)strlen(files[i]->d_name) - 5, files[i]->d_name, i, i);
	put(&o, "};\n");
	out_close(&o);
}
