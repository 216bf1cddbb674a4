// SPDX-License-Identifier: Apache-2.0
/* config.tab to gen/config.h and .c: one struct and one table per program, [common] first. */
#include <string.h>

#include "schemas/gen/schemagen.h"

static const char *const types[] = {"int", "ms", "bool", "text"};
static const char *const c_types[] = {"int64_t ", "int64_t ", "bool ", "char *"};
static const char *const enums[] = {"INT", "MS", "BOOL", "TEXT"};

struct key {
	char *name, *def, *help;
	int type;
	uint64_t min, max;
};

struct section {
	char *name;
	struct key *keys;
	size_t n;
};

struct config {
	struct section *s;
	size_t n;
};

/* A default outside its own bounds would fail only when a program starts. */
static void check_default(struct at at, const struct key *k)
{
	bool number_of = strcmp(types[k->type], "text") != 0;
	if (k->def == NULL && number_of)
		die(at, "only a text can be required; give %s a default", k->name);
	if (k->def == NULL)
		return;
	uint64_t v = number_of ? number(at, k->def, UINT64_MAX) : strlen(k->def);

	if ((number_of && v < k->min) || v > k->max || k->min > k->max)
		die(at, "default of %s is outside %llu..%llu", k->name, (unsigned long long)k->min,
			(unsigned long long)k->max);
}

/* KEY TYPE DEFAULT MIN MAX "help" */
static struct key read_key(const struct line *l)
{
	if (l->n != 6 || l->w[5].kind != T_STRING)
		die(l->at, "KEY TYPE DEFAULT MIN MAX \"help\" wanted");
	struct key k = {.name = l->w[0].s, .def = l->w[2].s, .help = l->w[5].s};
	check_name(l->w[0].at, k.name);
	k.type = index_of(types, array_len(types), l->w[1].s);
	if (k.type < 0)
		die(l->w[1].at, "'%s' is no type: int ms bool text", l->w[1].s);
	if (l->w[2].kind == T_WORD && strcmp(k.def, "-") == 0)
		k.def = NULL;
	k.min = number(l->w[3].at, l->w[3].s, INT64_MAX);
	k.max = number(l->w[4].at, l->w[4].s, INT64_MAX);
	check_default(l->at, &k);
	return k;
}

static void check_new(struct at at, const struct section *s, const char *name)
{
	for (size_t i = 0; i < s->n; i++) {
		if (strcmp(s->keys[i].name, name) == 0)
			die(at, "second key %s", name);
	}
}

static struct config read_config(const char *schemas)
{
	struct config c = {0};
	struct lex l;
	struct line line;

	lex_open(&l, text("%s/config.tab", schemas), true);
	while (lex_line(&l, &line)) {
		char *w = line.w[0].s;
		size_t n = strlen(w);
		if (w[0] == '[' && w[n - 1] == ']') {
			*grow(c.s, c.n) = (struct section){.name = text("%.*s", (int)n - 2, w + 1)};
			check_name(line.at, c.s[c.n - 1].name);
			continue;
		}
		if (c.n == 0)
			die(line.at, "[section] wanted first");
		struct key k = read_key(&line);
		check_new(line.at, &c.s[0], k.name);
		check_new(line.at, &c.s[c.n - 1], k.name);
		struct section *s = &c.s[c.n - 1];
		*grow(s->keys, s->n) = k;
	}
	if (c.n == 0 || strcmp(c.s[0].name, "common") != 0)
		die((struct at){l.at.file, 1}, "[common] must stand first");
	return c;
}

static void put_members(struct out *o, const struct section *s)
{
	for (size_t i = 0; i < s->n; i++)
		put(o, "\t%s%s; /* %s */\n", c_types[s->keys[i].type], s->keys[i].name,
			s->keys[i].help);
}

static void put_keys(
	struct out *o, const struct section *s, const char *program, const char *prefix)
{
	for (size_t i = 0; i < s->n; i++) {
		const struct key *k = &s->keys[i];
		put(o, "\t{\"%s\", CONFIG_%s, offsetof(struct %s_config, %s%s), ", k->name,
			enums[k->type], program, prefix, k->name);
		put_text(o, k->def);
		put(o, ", %llu, %llu, ", (unsigned long long)k->min, (unsigned long long)k->max);
		put_text(o, k->help);
		put(o, "},\n");
	}
}

void make_config(const char *schemas, const char *dir)
{
	struct config c = read_config(schemas);
	struct out o;

	out_open(&o, dir, "config.h", "Settings of every program.");
	put(&o, "#include \"common/config/config.h\"\n\nstruct common_config {\n");
	put_members(&o, &c.s[0]);
	put(&o, "};\n");
	for (size_t i = 1; i < c.n; i++) {
		put(&o, "\nstruct %s_config {\n\tstruct common_config common;\n", c.s[i].name);
		put_members(&o, &c.s[i]);
		put(&o, "};\nextern const struct config_table %s_config_table;\n", c.s[i].name);
	}
	out_close(&o);

	out_open(&o, dir, "config.c", "Tables of settings.");
	put(&o, "#include \"gen/config.h\"\n");
	for (size_t i = 1; i < c.n; i++) {
		const char *name = c.s[i].name;
		put(&o, "\nstatic const struct config_key %s_keys[] = {\n", name);
		put_keys(&o, &c.s[0], name, "common.");
		put_keys(&o, &c.s[i], name, "");
		put(&o,
			"};\nconst struct config_table %s_config_table = {\"%s\", %s_keys, %zu,\n"
			"\tsizeof(struct %s_config)};\n",
			name, name, name, c.s[0].n + c.s[i].n, name);
	}
	out_close(&o);
}
