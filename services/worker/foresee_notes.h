// SPDX-License-Identifier: Apache-2.0
/* The part of a plan that people read: counts, the first changes, notes, what has to be accepted.
 * It goes with the job's result in one message, so it has bounds of its own. */
#pragma once

#include "services/worker/foresee.h"

#define NOTES_ARENA ((size_t)4 * 1024 * 1024)
#define NOTES_CHANGES 100u
#define NOTES_MAX 100u
#define NOTES_TEXT ((size_t)20 * 1024) /* of changes, and of notes; what is more is cut */

int notes_begin(struct foresight *f) must_check;
/* D2 to D4. 0, or -1: nothing may be written; the notes say what would have to be accepted. */
int notes_of_gates(struct foresight *f, bool translated, struct fault *reterr) must_check;
/* Whose book it is, a person has to say (FL-4). */
void note_weak(struct foresight *f);
void notes_of_ledger(struct foresight *f);
/* A list that the task names is not there: nothing happens to it, and somebody may wonder. */
void note_no_list(struct foresight *f, const char *list, bool on_device);
/* Counts and changes; says whether there are any. */
int notes_of_books(
	struct foresight *f, const struct book_profile *profile, struct fault *reterr) must_check;
