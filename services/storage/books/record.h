// SPDX-License-Identifier: Apache-2.0
/* An entry of a book as a message, and the words it can be found by. Never a secret, nor what the
 * model does not know under a name that looks like one. Pure. */
#pragma once

#include "common/book/book.h"
#include "gen/msg.h"

/* Bytes of all values of a record; more is left out and `cut` says so. */
#define RECORD_SMALL ((size_t)6 * 1024) /* in the index */
#define RECORD_LARGE ((size_t)96 * 1024)

/* What the entry is by itself, wherever it stands: no list, key or number. */
void record_content(struct arena *a, const struct book_entry *e, size_t max, struct m_entry *ret);
/* All of it: place, extras, and which secrets there are. */
void record_entry(struct arena *a, const struct book_list *l, const struct book_entry *e,
	struct m_entry *ret);
/* "fax +33 1 23", "smb://host/share/path", "12 members": the first destination, for people. */
const char *record_dest(struct arena *a, const struct book_entry *e);
/* 0 = none. */
uint64_t record_number(const struct book_entry *e);
/* Bits 1 << kind. */
unsigned record_kinds(const struct book_entry *e);
/* Must what stands under this name not be shown? */
bool record_hides(const char *name);
/* A copy of at most max bytes, cut between characters; "" of NULL. */
const char *record_text(struct arena *a, const char *s, size_t max);

#define WORD_MAX ((size_t)64) /* bytes; what is longer is found by its begin */
#define WORD_DEST 200         /* kind of word: the name of a kind of destination */

/* Each word of the entry: its search keys, and these from each further word on. May give one twice.
 * 0, or -1 when memory ran out. */
int record_words(const struct book_entry *e, void (*each)(int kind, const char *word, void *arg),
	void *arg) must_check;
