// SPDX-License-Identifier: Apache-2.0
/* What the verbs of `carnet book` share: files read, ledgers shown, files written. No service is
 * needed; everything of the formats stands in common/book. */
#pragma once

#include "common/book/codec.h"
#include "services/cli/cli.h"

/* ---- book_file.c: reading ---- */

struct source {
	const char *name; /* as typed; "(stdin)" for - */
	const char *path;
	uint8_t *bytes; /* owned */
	size_t n;
	const struct codec *codec;  /* NULL: a spreadsheet view */
	const char *format, *title; /* "canon_csv", "Canon device CSV"; NULL = not recognised */
	struct mapping *mapping;    /* of --mapping; owned */
	struct book *book;          /* owned; NULL when nothing could be read */
	struct fault fault;
};

struct span source_span(const struct source *s);
/* The bytes only. 0, or -1 after a message. */
int source_read(struct source *s, const char *path) must_check;
/* Read, recognised (or as --from says) and decoded strictly. 0, or -1 after a message with its
 * line and column. The caller closes in any case. */
int source_open(struct cli *c, struct source *s, const char *path) must_check;
/* The same, lenient and silent: 0, or -1 and s->fault; s->book holds every fault. */
int source_check(struct cli *c, struct source *s, const char *path) must_check;
void source_close(struct source *s);
/* Those that say how FILE is read: for cli_flags_done, before the first is. */
void book_reading_flags(struct cli *c);

struct target {
	const struct book_profile *profile;
	const struct codec *codec;
};

/* A format or a profile by name. 0, or -1 after a message that says what there is. */
int book_target(const char *name, struct target *ret) must_check;
/* All of them, two lines. */
void book_names(struct buf *out);

/* ---- book_out.c: writing ---- */

#define VIEW_SUFFIX ".view.csv"
/* A view is called so and nothing else is (AB-24). 0, or -1 after a message. */
int book_out_name(const char *path, bool view) must_check;

/* Whole or not at all: a file beside it takes its place at the end. "-" is stdout. */
int book_write(const char *path, struct span bytes) must_check;

/* ---- book_ledger.c ---- */

/* Grouped: worst first, lines alike together with some of their entries; all with --wide. source
 * knows the numbers of the entries. */
void ledger_show(const struct cli *c, FILE *out, const struct ledger *l, const struct book *source);
/* Lines that --accept (classes, actions, the hash's begin, "all") leaves open. -1 after a message.
 */
int ledger_open_lines(const struct ledger *l, const char *accept);
/* First digits of its hash, as --accept takes them. */
#define LEDGER_HASH_TEXT 17
void ledger_hash_text(const struct ledger *l, char out[static LEDGER_HASH_TEXT]);
/* Lines that an acceptance must name. */
json_t *ledger_to_json(const struct ledger *l);

/* ---- book_text.c: entries for people ---- */

/* "ana@example.com", "smb://host/share/path", "3 members"; escaped. */
void entry_where(struct buf *out, const struct book_entry *e);
void dest_where(struct buf *out, const struct book_dest *d);
/* "email", "smb", "group" …, joined with spaces. */
void entry_kinds(struct buf *out, const struct book_entry *e);
/* Number, or key where there is none. */
const char *entry_number(const struct book_entry *e);
/* "list 1 Sales" */
void list_title(struct buf *out, const struct book_list *l);
const char *secret_words(enum secret_state state);
/* For each color: "" when there is none. */
const char *paint(const struct cli *c, const char *code);
