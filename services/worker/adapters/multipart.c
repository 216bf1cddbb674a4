// SPDX-License-Identifier: Apache-2.0
/* Forms that carry a file. */
#include "services/worker/adapters/multipart.h"

#include <stdio.h>
#include <string.h>

void multipart_boundary(struct span file, char out[static MULTIPART_BOUNDARY])
{
	unsigned n = 0;

	do
		(void)snprintf(out, MULTIPART_BOUNDARY, "----------------carnet%08x", n++);
	while (file.n && memmem(file.p, file.n, out, strlen(out)));
}

void multipart_type(const char *boundary, char *out, size_t size)
{
	(void)snprintf(out, size, "multipart/form-data; boundary=%s", boundary);
}

/* Names are the machine's own; a quote or a line end in one would begin a header of its choice. */
static void put_name(struct buf *out, const char *name)
{
	for (; *name; name++)
		if (*name == '"' || *name == '\r' || *name == '\n')
			buf_addf(out, "%%%02X", (uint8_t)*name);
		else
			buf_addc(out, *name);
}

static void begin(struct buf *out, const char *boundary, const char *name)
{
	buf_addf(out, "--%s\r\nContent-Disposition: form-data; name=\"", boundary);
	put_name(out, name);
	buf_addc(out, '"');
}

void multipart_field(struct buf *out, const char *boundary, const char *name, const char *value)
{
	begin(out, boundary, name);
	buf_addf(out, "\r\n\r\n%s\r\n", value);
}

void multipart_file(struct buf *out, const char *boundary, const char *name, const char *file_name,
	struct span bytes)
{
	begin(out, boundary, name);
	buf_adds(out, "; filename=\"");
	put_name(out, file_name);
	buf_adds(out, "\"\r\nContent-Type: application/octet-stream\r\n\r\n");
	buf_add(out, bytes.p, bytes.n);
	buf_adds(out, "\r\n");
}

void multipart_end(struct buf *out, const char *boundary)
{
	buf_addf(out, "--%s--\r\n", boundary);
}
