// SPDX-License-Identifier: Apache-2.0
/* How long a diff of two books of 5,000 entries takes, however much differs: the target is 10 ms
 * (address-books.md 9.1). CPU time, the best of several runs: what else the machine does is not its
 * fault. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/book/compare/diff.h"

#define ENTRIES 5000u
#define RUNS 25
#define TARGET_MS 10.0

static void set_dest(struct book *b, struct book_entry *e, uint32_t i)
{
	struct book_dest *d;

	if (i % 5 == 4) {
		d = book_add_dest(b, e, DEST_FILE);
		book_set(b, &d->f, F_PROTOCOL, "smb");
		book_set(b, &d->f, F_HOST, book_fmt(b, "server%u.example.com", i % 40));
		book_set(b, &d->f, F_PATH, book_fmt(b, "\\scan\\user%u", i));
		book_set(b, &d->f, F_ACCOUNT, book_fmt(b, "CORP\\user%u", i));
		book_set_secret(b, d, SECRET_ENCRYPTED, "0123456789abcdef", "canon_crypto_2");
	} else if (i % 5 == 3) {
		d = book_add_dest(b, e, DEST_FAX);
		book_set(b, &d->f, F_FAX_NUMBER, book_fmt(b, "+33 %09u", i));
		book_set(b, &d->f, F_ECM, "true");
		book_set(b, &d->f, F_SPEED, "33600");
	} else {
		d = book_add_dest(b, e, DEST_EMAIL);
		book_set(b, &d->f, F_ADDRESS, book_fmt(b, "person%u@example.com", i));
		book_set(b, &d->f, F_SPLIT_LARGE, "false");
	}
}

static void add_entry(struct book *b, struct book_list *l, uint32_t i, uint32_t number)
{
	const char *n = book_fmt(b, "%u", number);
	struct book_entry *e = book_add_entry(b, l, n);

	book_set(b, &e->f, F_NUMBER, n);
	book_set(b, &e->f, F_NAME, book_fmt(b, i % 10 ? "Person %u" : "人物 %u", i));
	book_set(b, &e->f, F_READING, book_fmt(b, "person %u", i));
	book_set(b, &e->f, F_ACCESS_NO, book_fmt(b, "%07u", i));
	if (i % 100 != 99) {
		set_dest(b, e, i);
	} else {
		e->group = true;
		for (uint32_t m = 0; m < 20; m++)
			book_add_member(b, e, book_fmt(b, "%u", number - 1 - m), "");
	}
	book_add_extra(b, e, "cnreadlang", "en");
	book_add_extra(b, e, "personalid", "");
}

static struct book *book(uint32_t shift)
{
	struct book *b = book_new("canon");
	struct book_list *l = book_add_list(b, "1", LIST_ADDRESS_LIST, "All");

	for (uint32_t i = 0; i < ENTRIES; i++)
		add_entry(b, l, i, 201 + i + shift);
	return b;
}

static struct book *changed(uint32_t percent)
{
	struct book *b = book(0);
	struct book_list *l = &b->list[0];

	for (uint32_t i = 0; i < ENTRIES; i++)
		if (i % 100 < percent) {
			book_set(b, &l->entry[i].f, F_READING, book_fmt(b, "changed %u", i));
			if (l->entry[i].n_dests)
				book_set(b, &l->entry[i].dest[0].f, F_SUB, "1");
		}
	return b;
}

static struct book *renamed(void)
{
	struct book *b = book(0);

	for (uint32_t i = 0; i < ENTRIES; i++) {
		struct book_entry *e = &b->list[0].entry[i];

		book_set(b, &e->f, F_NAME, book_fmt(b, "Other %u", i));
		e->key = book_fmt(b, "%u", 90000 - i);
		book_set(b, &e->f, F_NUMBER, e->key);
	}
	return b;
}

static struct book *reordered(void)
{
	struct book *b = book(0);
	struct book_entry *v = b->list[0].entry;

	for (uint32_t i = 0; i < ENTRIES / 2; i++) {
		struct book_entry hold = v[i];

		v[i] = v[ENTRIES - 1 - i];
		v[ENTRIES - 1 - i] = hold;
	}
	return b;
}

static struct book *other(void)
{
	struct book *b = book_new("canon");
	struct book_list *l = book_add_list(b, "1", LIST_ADDRESS_LIST, "All");

	for (uint32_t i = 0; i < ENTRIES; i++)
		add_entry(b, l, i + 100000, 50000 + i);
	return b;
}

static double cpu_ms(void)
{
	struct timespec t;

	if (clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t) != 0)
		return 0;
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static int measure(const char *what, struct book *left, struct book *right)
{
	double best = 1e9;
	uint32_t changes = 0;

	for (int i = 0; i < RUNS; i++) {
		double begin = cpu_ms();
		struct diff d;

		if (book_diff(left, right, NULL, &d) < 0)
			return 1;
		double ms = cpu_ms() - begin;
		best = ms < best ? ms : best;
		changes = d.n;
		diff_fini(&d);
	}
	printf("%-28s %6u changes  %7.2f ms  %5.2f of the target\n", what, changes, best,
		best / TARGET_MS);
	book_free(left);
	book_free(right);
	return best > TARGET_MS;
}

int main(void)
{
	int slow = 0;

	slow |= measure("equal", book(0), book(0));
	slow |= measure("1 % changed", book(0), changed(1));
	slow |= measure("50 % changed", book(0), changed(50));
	slow |= measure("100 % changed", book(0), changed(100));
	slow |= measure("renumbered", book(0), book(7));
	slow |= measure("renamed and renumbered", book(0), renamed());
	slow |= measure("reordered", book(0), reordered());
	slow |= measure("nothing in common", book(0), other());
	return slow;
}
