// SPDX-License-Identifier: Apache-2.0
/* Device families as delivered: schemas/profiles/<family>.json, member "lock". */
#pragma once

#include "common/service/service.h"

/* Puts what stands in the files of dir into the database, where it is a revision that is not there
 * yet; then(s, all) when all are through, all = false when the database was away. A file that
 * cannot be used is logged and left out: its family keeps the newest revision that the database
 * has, or is generic. */
void family_put_all(struct service *s, const char *dir, void (*then)(struct service *s, bool all));
