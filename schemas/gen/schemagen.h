// SPDX-License-Identifier: Apache-2.0
/* What the parts of the generator share. A host tool that runs for milliseconds and ends: memory is
 * taken and never given back, and the first error ends it with FILE:LINE. */
#pragma once

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define printf_like(fmt, args) __attribute__((format(printf, fmt, args)))
#define array_len(a) (sizeof(a) / sizeof((a)[0]))

/* ---- base.c: errors, memory, output ---- */

struct at {
	const char *file;
	int line;
};

__attribute__((noreturn)) void die(struct at at, const char *fmt, ...) printf_like(2, 3);
void *take(size_t n);
char *text(const char *fmt, ...) printf_like(1, 2);
/* "lock_kind" to "LOCK_KIND"; dots and dashes become underscores. */
char *upper(const char *s);
bool is_word(const char *s);                                     /* a-z first, then a-z 0-9 _ */
void check_name(struct at at, const char *s);                    /* is_word and no keyword of C */
int index_of(const char *const *words, size_t n, const char *s); /* -1 = absent */
uint64_t number(struct at at, const char *s, uint64_t max);
/* Makes room for one more element and zeroes it. */
#define grow(p, n) ((p) = grow_(p, n, sizeof(*(p))), &(p)[(n)++])
void *grow_(void *p, size_t n, size_t size);

/* One generated file. Its text goes to PATH only when whole, and only when it differs, so that make
 * rebuilds little. */
struct out {
	char *path;
	FILE *f;
	char *text;
	size_t n;
};
void out_open(struct out *o, const char *dir, const char *name, const char *purpose);
void out_raw(struct out *o, const char *path);
void put(struct out *o, const char *fmt, ...) printf_like(2, 3);
/* "a \"C\" string", or NULL */
void put_text(struct out *o, const char *s);
void out_close(struct out *o);

/* ---- lex.c: words, "strings", punctuation ---- */

enum kind { T_END, T_WORD, T_STRING, T_OPEN, T_CLOSE, T_EQUAL };

struct token {
	enum kind kind;
	char *s;
	struct at at;
};

struct lex {
	char *p;
	struct at at;
	bool tab; /* of a .tab file: { } = belong to words */
	struct token next;
};

/* Reads a whole file; a missing one gives NULL. */
char *file_text(const char *path);
void lex_open(struct lex *l, const char *path, bool tab);
struct token lex_next(struct lex *l);
struct token lex_want(struct lex *l, enum kind kind, const char *what);
bool lex_is(const struct lex *l, const char *word);
/* The next token stands on the same line as t. */
bool lex_same_line(const struct lex *l, const struct token *t);

/* Words of one line of a .tab file. */
struct line {
	struct at at;
	struct token *w;
	size_t n;
};
bool lex_line(struct lex *l, struct line *ret_line);

/* ---- model.c: messages ---- */

enum form { F_STRUCT, F_REQUEST, F_REPLY, F_EVENT };
extern const char *const form_words[4];
enum type { Y_BOOL, Y_UINT, Y_INT, Y_ENUM, Y_TEXT, Y_BYTES, Y_UUID, Y_TIME, Y_STRUCT };
extern const char *const type_words[9];

struct field {
	struct at at;
	unsigned tag;
	char *name, *help;
	enum type type;
	char *of; /* name of the enum or struct */
	bool list, required, secret;
	uint64_t max, max_items;
};

struct message {
	struct at at;
	enum form form;
	char *name, *help;
	unsigned id;
	char *right, *reply; /* of a request */
	bool scoped;
	struct field *fields;
	size_t n;
	unsigned *retired; /* tags */
	size_t n_retired;
	int mark; /* while looking for cycles: 1 = on the way down, 2 = done */
};

struct word {
	char *s;
	unsigned number;
};

struct enumeration {
	struct at at;
	char *name;
	struct word *words;
	size_t n;
	unsigned *retired; /* numbers */
	size_t n_retired;
};

struct model {
	struct message *messages;
	size_t n;
	struct enumeration *enums;
	size_t n_enums;
	unsigned *retired; /* ids */
	size_t n_retired;
};

void model_read(struct model *m, const char *schemas);
struct message *model_message(const struct model *m, const char *name);
struct enumeration *model_enum(const struct model *m, const char *name);
struct field *message_field(const struct message *msg, const char *name);

/* ---- one file per output ---- */

void make_messages(const struct model *m, const char *dir);
void make_errors(const char *schemas, const char *dir);
void make_config(const char *schemas, const char *dir);
void make_matrix(const char *schemas, const char *dir);
void make_job_states(const struct model *m, const char *schemas, const char *dir);
void print_sql_job_states(const struct model *m, const char *schemas);
void make_routes(const struct model *m, const char *schemas, const char *dir);
/* Ends the program when it is not as it must be; returns its text. */
char *check_profile(const char *path);
void make_profiles(const char *schemas, const char *dir);

/* Refuses when an entry of messages/REGISTRY changed meaning; then writes it, if asked. */
void registry_check(const struct model *m, const char *schemas, bool write);
