// SPDX-License-Identifier: Apache-2.0
/* Bodies of multipart/form-data (RFC 7578): forms that carry a file. Pure. */
#pragma once

#include "common/base/buf.h"

#define MULTIPART_BOUNDARY 40

/* A boundary that stands nowhere in the file. */
void multipart_boundary(struct span file, char out[static MULTIPART_BOUNDARY]);
/* "multipart/form-data; boundary=…" */
void multipart_type(const char *boundary, char *out, size_t size);
void multipart_field(struct buf *out, const char *boundary, const char *name, const char *value);
void multipart_file(struct buf *out, const char *boundary, const char *name, const char *file_name,
	struct span bytes);
void multipart_end(struct buf *out, const char *boundary);
