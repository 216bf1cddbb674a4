// SPDX-License-Identifier: Apache-2.0
/* Files of more than one part, and parts that were left lying. */
#pragma once

#include "common/vault/spool.h"
#include "services/storage/vaults/s3_link.h"

#define UPLOAD_PART ((size_t)8 * 1024 * 1024)
#define UPLOAD_STALE_MS ((uint64_t)24 * 3600 * 1000)

/* As one file: it gets its name with all of its bytes or not at all. once: CN_CONFLICT when the
 * name is taken. */
int s3_upload(struct s3_link *l, const char *name, struct spool *bytes, bool once,
	struct fault *reterr) must_check;
/* Parts older than a day belong to nobody: their place is freed. */
int s3_uploads_sweep(struct s3_link *l, struct fault *reterr) must_check;
