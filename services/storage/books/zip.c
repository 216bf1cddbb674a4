// SPDX-License-Identifier: Apache-2.0
/* libarchive's writer, one way only: nothing is ever read with it. */
#include "services/storage/books/zip.h"

#include <archive.h>
#include <archive_entry.h>
#include <stdlib.h>

#include "gen/errors.h"

struct zip {
	struct archive *archive;
	struct buf *out;
	int64_t mtime;
};

static la_ssize_t write_out(struct archive *a, void *arg, const void *p, size_t n)
{
	struct zip *z = arg;
	(void)a;
	buf_add(z->out, p, n);
	return z->out->err ? -1 : (la_ssize_t)n;
}

struct zip *zip_new(struct buf *out, int64_t mtime)
{
	struct zip *z = mem_alloc(sizeof(*z));
	*z = (struct zip){.archive = archive_write_new(), .out = out, .mtime = mtime};
	bug_if(z->archive == NULL);
	bug_if(archive_write_set_format_zip(z->archive) != ARCHIVE_OK);
	bug_if(archive_write_set_bytes_per_block(z->archive, 0) != ARCHIVE_OK);
	bug_if(archive_write_open(z->archive, z, NULL, write_out, NULL) != ARCHIVE_OK);
	return z;
}

static int failed(const struct zip *z, struct fault *reterr)
{
	const char *why = archive_error_string(z->archive);
	return fault_why(reterr, CN_INTERNAL_ERROR, "zip", "%s", why == NULL ? "zip" : why);
}

int zip_file(struct zip *z, const char *name, uint64_t bytes, struct fault *reterr)
{
	struct archive_entry *e = archive_entry_new();
	bug_if(e == NULL);
	archive_entry_set_pathname(e, name);
	archive_entry_set_filetype(e, AE_IFREG);
	archive_entry_set_perm(e, 0600);
	archive_entry_set_size(e, (la_int64_t)bytes);
	archive_entry_set_mtime(e, z->mtime, 0);
	int rc = archive_write_header(z->archive, e);
	archive_entry_free(e);
	return rc < ARCHIVE_WARN ? failed(z, reterr) : 0;
}

int zip_bytes(struct zip *z, struct span bytes, struct fault *reterr)
{
	if (bytes.n == 0)
		return 0;
	if (archive_write_data(z->archive, bytes.p, bytes.n) != (la_ssize_t)bytes.n)
		return failed(z, reterr);
	return 0;
}

int zip_end(struct zip *z, struct fault *reterr)
{
	return archive_write_close(z->archive) < ARCHIVE_WARN ? failed(z, reterr) : 0;
}

void zip_free(struct zip *z)
{
	if (z == NULL)
		return;
	(void)archive_write_fail(z->archive);
	(void)archive_write_free(z->archive);
	free(z);
}
