// SPDX-License-Identifier: Apache-2.0
/* Sentences of an answer. Names of operations stand in quotes where a language would otherwise have
 * to agree with them; predicates are chosen so that no word does. */
#include "services/lock/words.h"

#include <string.h>

#include "common/base/buf.h"
#include "common/exchange/item.h"
#include "common/text/utf8.h"
#include "gen/errors.h"
#include "services/lock/op.h"

enum { TEXT_MAX = 1024 }; /* lock.msg */

enum predicate { HOLDS, SEEN, STANDS, QUARANTINE, ATTENTION, WAITS, PREDICATES };

struct phrases {
	const char *open, *close;       /* around the name of an operation */
	const char *by_open, *by_close; /* around who declared it */
	const char *predicate[PREDICATES];
	const char *then, *cannot;        /* the later one, which may not start beside it */
	const char *row_open, *row_close; /* of the matrix */
	const char *end;
	const char *yes, *may_start;
	const char *but, *and; /* items left out, and what stands between two of them */
	const char *no, *more_open, *more_close;
};

static const struct phrases phrases[] = {
	[WORDS_EN] = {.open = "",
		.close = "",
		.by_open = " (",
		.by_close = ")",
		.predicate = {[HOLDS] = " holds the device",
			[SEEN] = " was seen on the device",
			[STANDS] = " is set up on the device",
			[QUARANTINE] = " ended without proof, the device is in quarantine",
			[ATTENTION] = " ended without proof, a person must look at the device",
			[WAITS] = " waits before this request"},
		.then = ": ",
		.cannot = " may not start beside it",
		.row_open = " (row ",
		.row_close = " of the matrix)",
		.end = ".",
		.yes = "Yes: ",
		.may_start = " may start now.",
		.but = " Without what the device synchronises itself: ",
		.and = ", ",
		.no = "No: ",
		.more_open = " And ",
		.more_close = " more."},
	[WORDS_FR] = {.open = "« ",
		.close = " »",
		.by_open = " (",
		.by_close = ")",
		.predicate = {[HOLDS] = " : opération en cours sur l’imprimante",
			[SEEN] = " : opération constatée sur l’imprimante",
			[STANDS] = " : fonction active sur l’imprimante",
			[QUARANTINE] = " : fin sans preuve, l’imprimante est en quarantaine",
			[ATTENTION] = " : fin sans preuve, une personne doit voir l’imprimante",
			[WAITS] = " : demande arrivée avant celle-ci"},
		.then = " ; ",
		.cannot = " ne peut pas démarrer en même temps",
		.row_open = " (ligne ",
		.row_close = " de la matrice)",
		.end = ".",
		.yes = "Oui : ",
		.may_start = " peut démarrer maintenant.",
		.but = " Sauf ce que l’imprimante synchronise elle-même : ",
		.and = ", ",
		.no = "Non : ",
		.more_open = " Et ",
		.more_close = " de plus."},
	[WORDS_JA] = {.open = "「",
		.close = "」",
		.by_open = "（",
		.by_close = "）",
		.predicate = {[HOLDS] = "がプリンターを使用中です",
			[SEEN] = "がプリンターで確認されました",
			[STANDS] = "がプリンターで有効です",
			[QUARANTINE] = "の完了を確認できず、プリンターは隔離中です",
			[ATTENTION] = "の完了を確認できず、人による確認が必要です",
			[WAITS] = "がこの要求より先に待機しています"},
		.then = "。",
		.cannot = "は同時に開始できません",
		.row_open = "（マトリクスの",
		.row_close = "行目）",
		.end = "。",
		.yes = "はい：",
		.may_start = "は今すぐ開始できます。",
		.but = "ただし、プリンター自身が同期する次の項目を除きます：",
		.and = "、",
		.no = "いいえ：",
		.more_open = "ほか",
		.more_close = "件。"},
};

enum words_lang words_lang(const char *lang)
{
	if (lang != NULL && strcmp(lang, "fr") == 0)
		return WORDS_FR;
	return lang != NULL && strcmp(lang, "ja") == 0 ? WORDS_JA : WORDS_EN;
}

/* As long as the message allows, cut between characters. */
static const char *keep(struct arena *a, struct buf *b)
{
	const char *text = buf_str(b);
	char *copy = arena_strndup(a, text, utf8_cut(text, TEXT_MAX));

	bug_if(b->err || copy == NULL);
	buf_fini(b);
	return copy;
}

static void add_op(struct buf *b, const struct phrases *p, enum words_lang lang, unsigned op)
{
	buf_addf(b, "%s%s%s", p->open, op_name(op, lang), p->close);
}

static enum predicate predicate_of(const struct m_blocker *b)
{
	if (b->waiting)
		return WAITS;
	if (b->state == LOCK_STATE_QUARANTINE)
		return QUARANTINE;
	if (b->state == LOCK_STATE_ATTENTION)
		return ATTENTION;
	if (b->kind == LOCK_KIND_SHADOW)
		return SEEN;
	return b->kind == LOCK_KIND_STANDING ? STANDS : HOLDS;
}

const char *words_blocker(
	struct arena *a, enum words_lang lang, unsigned later, const struct m_blocker *b)
{
	const struct phrases *p = &phrases[lang];
	struct buf text = BUF_INIT;

	add_op(&text, p, lang, op_find(b->op));
	if (b->holder != NULL && *b->holder != '\0')
		buf_addf(&text, "%s%s%s", p->by_open, b->holder, p->by_close);
	buf_adds(&text, p->predicate[predicate_of(b)]);
	buf_adds(&text, p->then);
	add_op(&text, p, lang, later);
	buf_adds(&text, p->cannot);
	if (b->row != 0)
		buf_addf(&text, "%s%u%s", p->row_open, (unsigned)b->row, p->row_close);
	buf_adds(&text, p->end);
	return keep(a, &text);
}

/* The items of the first device that lost some; the others stand in the answer itself. */
static void add_items(struct buf *b, const struct phrases *p, enum words_lang lang,
	const struct m_lock_answer *answer)
{
	buf_adds(b, p->but);
	for (size_t i = 0; i < answer->items_refused_n; i++) {
		const struct m_item_refusal *r = &answer->items_refused[i];
		if (!uuid_eq(&r->device, &answer->items_refused[0].device))
			break;
		buf_addf(b, "%s%s", i > 0 ? p->and : "", exchange_item_name(r->item, lang));
	}
	buf_adds(b, p->end);
}

const char *words_answer(
	struct arena *a, enum words_lang lang, unsigned op, const struct m_lock_answer *answer)
{
	const struct phrases *p = &phrases[lang];
	const struct error_info *why = answer->reason == NULL ? NULL : error_reason(answer->reason);
	struct buf text = BUF_INIT;

	if (answer->answer == LOCK_RESULT_GRANTED) {
		buf_adds(&text, p->yes);
		add_op(&text, p, lang, op);
		buf_adds(&text, p->may_start);
		if (answer->items_refused_n > 0)
			add_items(&text, p, lang, answer);
		return keep(a, &text);
	}
	buf_adds(&text, p->no);
	if (answer->blockers_n > 0)
		buf_adds(&text, answer->blockers[0].text);
	else if (why != NULL)
		buf_adds(&text, why->text[lang]);
	else if (answer->reason != NULL)
		buf_adds(&text, answer->reason);
	if (answer->blockers_n > 1)
		buf_addf(&text, "%s%zu%s", p->more_open, answer->blockers_n - 1, p->more_close);
	return keep(a, &text);
}
