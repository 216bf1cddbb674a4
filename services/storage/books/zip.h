// SPDX-License-Identifier: Apache-2.0
/* A ZIP archive written as its bytes come, into memory that somebody empties meanwhile: nothing of
 * it is held. libarchive. */
#pragma once

#include "common/base/buf.h"
#include "common/base/fault.h"

struct zip;

/* out must live as long as the archive. mtime: seconds since 1970, of all files in it. */
struct zip *zip_new(struct buf *out, int64_t mtime);
/* The file before it ends. Names are ASCII, with slashes. */
int zip_file(struct zip *z, const char *name, uint64_t bytes, struct fault *reterr) must_check;
int zip_bytes(struct zip *z, struct span bytes, struct fault *reterr) must_check;
/* The directory of the archive; then it may only be freed. */
int zip_end(struct zip *z, struct fault *reterr) must_check;
void zip_free(struct zip *z);
