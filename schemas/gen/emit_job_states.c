// SPDX-License-Identifier: Apache-2.0
/* job_states.tab to gen/job_states.h and .c, and the same table as SQL values. */
#include <string.h>

#include "schemas/gen/schemagen.h"

struct edges {
	const struct enumeration *e;
	bool *to; /* n × n, by index of the word */
};

static size_t state_index(const struct edges *g, const struct token *t)
{
	for (size_t i = 0; i < g->e->n; i++) {
		if (strcmp(g->e->words[i].s, t->s) == 0)
			return i;
	}
	die(t->at, "'%s' is no word of enum job_state", t->s);
}

static struct edges read_edges(const struct model *m, const char *schemas)
{
	struct edges g = {.e = model_enum(m, "job_state")};
	struct lex l;
	struct line line;

	lex_open(&l, text("%s/job_states.tab", schemas), true);
	if (g.e == NULL)
		die(l.at, "messages/*.msg have no enum job_state");
	g.to = take(g.e->n * g.e->n * sizeof(bool));
	while (lex_line(&l, &line)) {
		if (line.n < 3 || strcmp(line.w[1].s, "->") != 0)
			die(line.at, "FROM -> TO … wanted");
		size_t from = state_index(&g, &line.w[0]);
		for (size_t i = 2; i < line.n; i++) {
			bool *to = &g.to[from * g.e->n + state_index(&g, &line.w[i])];
			if (*to)
				die(line.w[i].at, "second edge %s -> %s", line.w[0].s, line.w[i].s);
			*to = true;
		}
	}
	return g;
}

void print_sql_job_states(const struct model *m, const char *schemas)
{
	struct edges g = read_edges(m, schemas);
	const char *before = "values\n  ";

	for (size_t i = 0; i < g.e->n * g.e->n; i++) {
		if (!g.to[i])
			continue;
		(void)printf("%s('%s', '%s')", before, g.e->words[i / g.e->n].s,
			g.e->words[i % g.e->n].s);
		before = ",\n  ";
	}
	(void)printf("\n");
}

void make_job_states(const struct model *m, const char *schemas, const char *dir)
{
	struct edges g = read_edges(m, schemas);
	struct out o;

	out_open(&o, dir, "job_states.h", "The job's life, docs/spec/fleet.md 7.2.");
	put(&o, "#include \"gen/msg.h\"\n\n"
		"/* May a job go from one state to the other? */\n"
		"bool job_edge(enum job_state from, enum job_state to);\n"
		"/* No edge leads out. */\n"
		"bool job_state_final(enum job_state state);\n");
	out_close(&o);

	out_open(&o, dir, "job_states.c", "The job's life.");
	put(&o, "#include \"gen/job_states.h\"\n\n"
		"/* by number of the state: one bit per state that may follow */\n"
		"static const uint64_t next[] = {\n");
	unsigned most = 0;
	for (size_t i = 0; i < g.e->n; i++) {
		most = g.e->words[i].number > most ? g.e->words[i].number : most;
		put(&o, "\t[JOB_STATE_%s] = 0", upper(g.e->words[i].s));
		for (size_t k = 0; k < g.e->n; k++) {
			if (g.to[i * g.e->n + k])
				put(&o, " | 1ull << JOB_STATE_%s", upper(g.e->words[k].s));
		}
		put(&o, ",\n");
	}
	if (most > 63)
		die(g.e->at, "job_state has numbers over 63");
	put(&o, "};\n\nbool job_edge(enum job_state from, enum job_state to)\n{\n"
		"\treturn from < sizeof(next) / sizeof(next[0]) && to < 64 &&\n"
		"\t\t(next[from] >> to & 1) != 0;\n}\n\n"
		"bool job_state_final(enum job_state state)\n{\n"
		"\treturn state < sizeof(next) / sizeof(next[0]) && next[state] == 0;\n}\n");
	out_close(&o);
}
