// SPDX-License-Identifier: Apache-2.0
/* Answers as sentences for people, in English, French and Japanese. Pure. */
#pragma once

#include "common/base/arena.h"
#include "gen/msg.h"

enum words_lang { WORDS_EN, WORDS_FR, WORDS_JA };

enum words_lang words_lang(const char *lang);
/* What stands in the way of `later`: who or what, why, and by which row of the matrix. */
const char *words_blocker(
	struct arena *a, enum words_lang lang, unsigned later, const struct m_blocker *b);
/* The whole answer: yes, yes but for some items, no and why. */
const char *words_answer(
	struct arena *a, enum words_lang lang, unsigned op, const struct m_lock_answer *answer);
