// SPDX-License-Identifier: Apache-2.0
/* The words by which makers' files say yes and no (AB-13). */
#pragma once

#include "common/base/base.h"

/* "true" or "false" for on/off, true/false, yes/no, 1/0 in any case; NULL for what is neither. */
const char *bool_read(const char *word);
/* yes or no in the words and the case of what was found there; in those of fallback ("on", "TRUE",
 * …) where that is no such word. */
const char *bool_like(const char *found, const char *fallback, bool yes);
