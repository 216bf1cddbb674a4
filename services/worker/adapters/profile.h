// SPDX-License-Identifier: Apache-2.0
/* What a device family says in which words, as data: schemas/profiles/<family>.json. Read once at
 * start. */
#pragma once

#include "common/base/fault.h"

struct json_t;

#define PROFILE_WORDS 16
#define PROFILE_LINES 64
#define PROFILE_LANGUAGES 3 /* en fr ja */

/* A line of the panel that tells an operation of the matrix. */
struct profile_line {
	const char *op;
	const char *text[PROFILE_LANGUAGES];
};

/* Lists of words end with NULL. */
struct profile {
	const char *refused[PROFILE_WORDS + 1];
	const char *session_lost[PROFILE_WORDS + 1];
	const char *receive_restricted[PROFILE_WORDS + 1];
	const char *busy[PROFILE_WORDS + 1];
	const char *not_available[PROFILE_WORDS + 1];
	/* of a machine that takes imports */
	const char *logged_in[PROFILE_WORDS + 1];
	const char *imported[PROFILE_WORDS + 1];
	const char *restart_needed[PROFILE_WORDS + 1];
	const char *wrong_password[PROFILE_WORDS + 1];
	const char *mode_erase[PROFILE_WORDS + 1];
	const char *decrypt_no[PROFILE_WORDS + 1];
	const char *skipped_model[PROFILE_WORDS + 1];
	const char *skipped_policy[PROFILE_WORDS + 1];
	const char *menu_data[PROFILE_WORDS + 1];
	const char *menu_all[PROFILE_WORDS + 1];
	const char *menu_individual[PROFILE_WORDS + 1];
	const char *menu_lists[PROFILE_WORDS + 1];
	const char *menu_values[PROFILE_WORDS + 1];
	const char *menu_import[PROFILE_WORDS + 1];
	struct profile_line lines[PROFILE_LINES];
	size_t n_lines;
	struct profile_line ready; /* the panel of a device at rest; op NULL */
	const struct json_t *data; /* all of the file, for what one family alone reads */
};

/* Reads dir/family.json; lives until process end. *ret NULL when there is no such file: a family
 * without words. 0, or -1 when the file is not as it should be. */
int profile_load(const char *dir, const char *family, const struct profile **ret,
	struct fault *reterr) must_check;
/* What a panel line means: an op, "" for rest, "other_activity" for anything else. */
const char *profile_line_op(const struct profile *p, const char *line);
/* Does the text contain one of these words? */
bool profile_says(const char *const *words, struct span text);
