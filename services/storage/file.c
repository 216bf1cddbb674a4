// SPDX-License-Identifier: Apache-2.0
/* A file that somebody uploads is recognised by its content and read to its end before anything of
 * it is stored (docs/spec/import-export.md D3). What is wrong in it is answered with its places. */
#include <stdlib.h>
#include <string.h>

#include "common/book/items.h"
#include "services/storage/books/book_work.h"
#include "services/storage/books/record.h"
#include "services/storage/storage.h"

#define FAULTS 100
#define LISTS 256

struct file {
	struct draft *draft;
	struct book_work work;
	void (*done)(struct draft *d);
	struct arena arena;
	bool refused;
	const struct codec *codec;
	const char *family, *charset;
	struct m_book_list *lists;
	struct m_book_fault *faults;
	size_t lists_n, faults_n, wrong;
};

bool file_refused(const struct draft *d)
{
	return d->file != NULL && d->file->refused;
}

void file_free(struct file *f)
{
	if (f == NULL)
		return;
	arena_fini(&f->arena);
	free(f);
}

void file_tell(const struct file *f, struct m_stored *result)
{
	if (f->refused)
		result->outcome = STORE_OUTCOME_REFUSED;
	if (f->codec != NULL) {
		result->codec = f->codec->name;
		result->family = f->family == NULL ? f->codec->family : f->family;
	}
	result->charset = f->charset;
	result->lists = f->lists;
	result->lists_n = f->lists_n;
	result->faults = f->faults;
	result->faults_n = f->faults_n;
	result->wrong = f->wrong;
}

/* ---- on the work pool ---- */

static void keep_fault(struct file *f, const struct book_fault *from)
{
	struct arena *a = &f->arena;
	f->wrong++;
	f->refused = f->refused || !from->warning;
	if (f->faults_n == FAULTS)
		return;
	size_t at = f->faults_n++;
	if (!from->warning) /* before the warnings */
		for (; at > 0 && f->faults[at - 1].warning; at--)
			f->faults[at] = f->faults[at - 1];
	f->faults[at] = (struct m_book_fault){.item = "",
		.code = (uint64_t)from->code,
		.warning = from->warning,
		.line = from->line,
		.column = from->column,
		.byte = from->byte,
		.where = record_text(a, from->where, 256),
		.reason = record_text(a, from->reason, 64),
		.text = record_text(a, from->text, 1024)};
}

/* A fault that is no place in the file. */
static void keep_whole(struct file *f, const struct fault *why)
{
	const struct book_fault whole = {
		.code = why->code, .where = "", .reason = why->reason, .text = why->detail};
	keep_fault(f, &whole);
}

static void keep_lists(struct file *f, const struct book *b)
{
	size_t n = size_min(b->n_lists, LISTS);
	f->lists = arena_array(&f->arena, n + 1, sizeof(*f->lists));
	for (size_t i = 0; f->lists != NULL && i < n; i++)
		f->lists[f->lists_n++] =
			(struct m_book_list){.slot = record_text(&f->arena, b->list[i].slot, 64),
				.kind = list_kind_name(b->list[i].kind),
				.name = record_text(&f->arena, b->list[i].name, 256),
				.entries = b->list[i].n_entries};
}

static void read_book(struct file *f, struct span bytes)
{
	static const struct decode_options lenient = {.lenient = true};
	struct fault why = FAULT_INIT;
	struct book *book = NULL;
	int rc = book_decode(bytes, f->codec, &lenient, &book, &why);
	for (uint32_t i = 0; book != NULL && i < book->n_faults; i++)
		keep_fault(f, &book->fault[i]);
	if ((rc < 0 || (book != NULL && book->too_big)) && !f->refused) {
		if (why.code == 0)
			fault_why(&why, CN_RESPONSE_TOO_BIG, "too_big", "more than a book holds");
		keep_whole(f, &why);
	}
	if (book != NULL) {
		f->family = record_text(&f->arena, book->family, 32);
		keep_lists(f, book);
		f->charset = record_text(&f->arena, book->charset, 40);
		f->draft->items[0]->entries = book->n_entries;
	}
	book_wipe(book);
	book_free(book);
}

static void look(struct file *f)
{
	struct draft *d = f->draft;
	struct buf bytes = BUF_INIT;
	struct fault why = FAULT_INIT;
	f->faults = arena_array(&f->arena, FAULTS, sizeof(*f->faults));
	bug_if(f->faults == NULL);
	if (spool_read_all(d->items[0]->plain, &bytes, &d->fault) == 0) {
		f->codec = d->ask.format[0] == 0 ? codec_detect(buf_span(&bytes), &why)
						 : codec_named(d->ask.format);
		if (f->codec == NULL)
			keep_whole(f, &why);
		else
			read_book(f, buf_span(&bytes));
	}
	buf_wipe(&bytes);
}

static void work(void *arg)
{
	look(arg);
}

/* ---- on the loop ---- */

static void looked(void *arg)
{
	struct file *f = arg;
	struct draft *d = f->draft;
	if (d->fault.code == 0 && !f->refused) {
		d->ask.format = f->codec->name;
		d->ask.family = f->family;
		d->ask.charset = f->charset == NULL ? "" : f->charset;
		d->items[0]->kind = (enum object_kind)object_kind_parse(f->codec->name);
	}
	f->done(d);
}

void file_check(struct draft *d, void (*done)(struct draft *d))
{
	struct file *f = mem_alloc(sizeof(*f));
	arena_init(&f->arena, 0);
	f->draft = d;
	f->done = done;
	d->file = f;
	if (d->n_items != 1) {
		fault_why(&d->fault, CN_VALIDATION_FAILED, "item", "a file is one item");
		done(d);
		return;
	}
	f->work = (struct book_work){
		.work = work, .done = looked, .arg = f, .bytes = spool_size(d->items[0]->plain)};
	book_work(&f->work);
}
