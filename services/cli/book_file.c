// SPDX-License-Identifier: Apache-2.0
/* Address books read from files and pipes, and what is wrong with them in one line. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/book/formats/generic.h"
#include "common/book/formats/view.h"
#include "services/cli/book.h"

#define PIECE ((size_t)256 * 1024)

struct span source_span(const struct source *s)
{
	return (struct span){s->bytes, s->n};
}

/* Whole, at most one byte more than the bound; -1 and errno. A pipe grows, a file fits at once. */
static int read_all(int fd, struct source *s)
{
	struct stat st;
	size_t cap = PIECE;
	ssize_t n;

	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0)
		cap = size_min((size_t)st.st_size, BOOK_FILE_MAX) + 1;
	s->bytes = mem_alloc(cap);
	while ((n = read(fd, s->bytes + s->n, cap - s->n)) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		s->n += (size_t)n;
		if (s->n > BOOK_FILE_MAX) {
			errno = EFBIG;
			return -1;
		}
		if (s->n == cap) {
			cap = size_min(cap * 2, BOOK_FILE_MAX + 1);
			s->bytes = mem_realloc(s->bytes, cap);
		}
	}
	s->bytes = mem_realloc(s->bytes, s->n + 1);
	return 0;
}

int source_read(struct source *s, const char *path)
{
	static bool stdin_used;
	bool piped = strcmp(path, "-") == 0;

	*s = (struct source){.name = piped ? "(stdin)" : path, .path = path};
	if (piped && stdin_used)
		return cli_fail(-1, "stdin can be read once");
	stdin_used |= piped;
	int fd = piped ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	int rc = fd < 0 ? -1 : read_all(fd, s);
	int error = errno;
	if (fd > STDERR_FILENO)
		(void)close(fd);
	if (rc == 0)
		return 0;
	return cli_fail(
		-1, "%s: %s", s->name, error == EFBIG ? "larger than 64 MiB" : strerror(error));
}

static const struct book_fault *first_fault(const struct book *b)
{
	for (uint32_t i = 0; b != NULL && i < b->n_faults; i++)
		if (!b->fault[i].warning)
			return &b->fault[i];
	return NULL;
}

/* FILE:LINE:COLUMN: what is wrong */
static int complain(const struct source *s)
{
	const struct book_fault *f = first_fault(s->book);

	if (f == NULL || f->line == 0)
		return cli_fail(-1, "%s: %s", s->name, s->fault.detail);
	if (f->column == 0)
		return cli_fail(-1, "%s:%u: %s", s->name, f->line, f->text);
	return cli_fail(-1, "%s:%u:%u: %s", s->name, f->line, f->column, f->text);
}

void book_reading_flags(struct cli *c)
{
	(void)cli_flag(c, "from");
	(void)cli_flag(c, "mapping");
}

/* --from FORMAT; *ret NULL = by content. */
static int from(struct cli *c, const struct codec **ret)
{
	const char *name = cli_flag(c, "from");
	struct buf all = BUF_INIT;

	*ret = name == NULL ? NULL : codec_named(name);
	if (name == NULL || *ret != NULL)
		return 0;
	for (const struct codec *const *k = codecs(); *k != NULL; k++)
		buf_addf(&all, " %s", (*k)->name);
	(void)cli_fail(0, "there is no format '%s'; there are:%s", name, buf_str(&all));
	buf_fini(&all);
	return -1;
}

/* --mapping FILE: for what is a CSV of nobody's known format. */
static int map_columns(struct cli *c, struct source *s)
{
	const char *path = cli_flag(c, "mapping");
	const struct codec *generic = codec_named("generic_csv");
	struct fault f = FAULT_INIT;
	struct source file;

	if (path == NULL || (s->codec != NULL && s->codec != generic))
		return 0;
	int rc = source_read(&file, path);
	if (rc == 0 && mapping_parse(source_span(&file), &s->mapping, &f) != 0)
		rc = cli_fail(-1, "%s: %s", path, f.detail);
	source_close(&file);
	if (rc == 0)
		s->codec = generic;
	return rc;
}

/* 0, -1 and s->fault, -2 after a message. */
static int recognise(struct cli *c, struct source *s)
{
	if (from(c, &s->codec) != 0)
		return -2;
	if (s->codec == NULL && view_is(source_span(s))) {
		s->format = "view";
		s->title = "Spreadsheet view";
		return 0;
	}
	if (s->codec == NULL)
		s->codec = codec_detect(source_span(s), &s->fault);
	if (map_columns(c, s) != 0)
		return -2;
	if (s->codec == NULL)
		return -1;
	s->fault = FAULT_INIT;
	s->format = s->codec->name;
	s->title = s->codec->title;
	return 0;
}

static int decode(struct cli *c, struct source *s, bool lenient)
{
	int rc = recognise(c, s);

	if (rc != 0)
		return rc;
	if (s->codec == NULL)
		return view_import(source_span(s), &s->book, &s->fault);
	const struct decode_options opts = {.lenient = lenient, .mapping = s->mapping};
	return book_decode(source_span(s), s->codec, &opts, &s->book, &s->fault);
}

int source_open(struct cli *c, struct source *s, const char *path)
{
	if (source_read(s, path) != 0)
		return -1;
	int rc = decode(c, s, false);
	return rc == -1 ? complain(s) : rc;
}

int source_check(struct cli *c, struct source *s, const char *path)
{
	if (source_read(s, path) != 0)
		return -2;
	return decode(c, s, true);
}

void source_close(struct source *s)
{
	book_free(s->book);
	mapping_free(s->mapping);
	free(s->bytes);
	*s = (struct source){.n = 0};
}

/* ---- targets ---- */

void book_names(struct buf *out)
{
	buf_adds(out, "Formats:");
	for (const struct codec *const *k = codecs(); *k != NULL; k++)
		if ((*k)->flags & CODEC_ENCODE)
			buf_addf(out, " %s", (*k)->name);
	buf_adds(out, "\nProfiles:");
	for (const struct book_profile *const *p = profiles(); *p != NULL; p++)
		buf_addf(out, " %s", (*p)->name);
}

int book_target(const char *name, struct target *ret)
{
	struct buf all = BUF_INIT;

	ret->profile = profile_named(name);
	ret->codec = codec_named(name);
	if (ret->codec == NULL && ret->profile != NULL)
		ret->codec = codec_named(ret->profile->codec);
	if (ret->profile != NULL && ret->codec != NULL)
		return 0;
	book_names(&all);
	(void)cli_fail(0, "nothing is called '%s'\n%s", name, buf_str(&all));
	buf_fini(&all);
	return -1;
}
