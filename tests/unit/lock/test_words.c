// SPDX-License-Identifier: Apache-2.0
/* Sentences of answers: who or what is in the way, in three languages. */
#include "tests/unit/lock/world.h"

#include "common/text/utf8.h"
#include "services/lock/words.h"

static struct arena arena;

static int set_up(void **state unused)
{
	arena_init(&arena, 0);
	return 0;
}

static int tear_down(void **state unused)
{
	arena_fini(&arena);
	return 0;
}

static const struct m_blocker update = {.op = "sw_update",
	.kind = LOCK_KIND_DECLARED,
	.state = LOCK_STATE_LIVE,
	.holder = "token:fw",
	.row = 11};

static void a_language_is_english_unless_known(void **state unused)
{
	assert_int_equal(words_lang("fr"), WORDS_FR);
	assert_int_equal(words_lang("ja"), WORDS_JA);
	assert_int_equal(words_lang("en"), WORDS_EN);
	assert_int_equal(words_lang("de"), WORDS_EN);
	assert_int_equal(words_lang(NULL), WORDS_EN);
}

static void a_holder_is_named_with_operation_and_row(void **state unused)
{
	assert_string_equal(words_blocker(&arena, WORDS_EN, OP_BATCH_IE, &update),
		"Software update process (token:fw) holds the device: Batch import or export may "
		"not start beside it (row 11 of the matrix).");
	assert_string_equal(words_blocker(&arena, WORDS_FR, OP_BATCH_IE, &update),
		"« Processus de mise à jour du logiciel » (token:fw) : opération en cours sur "
		"l’imprimante ; « Importation ou exportation par lot » ne peut pas démarrer en "
		"même temps (ligne 11 de la matrice).");
	assert_string_equal(words_blocker(&arena, WORDS_JA, OP_BATCH_IE, &update),
		"「ソフトウェアの更新処理」（token:fw）がプリンターを使用中です。「一括インポート／"
		"一括エクスポート」は同時に開始できません（マトリクスの11行目）。");
}

static void each_way_to_be_in_the_way_has_its_own_words(void **state unused)
{
	struct m_blocker b[] = {update, update, update, update, update, update};
	const char *said[3][array_len(b)];

	b[1].kind = LOCK_KIND_SHADOW;
	b[2].kind = LOCK_KIND_STANDING;
	b[3].state = LOCK_STATE_QUARANTINE;
	b[4].state = LOCK_STATE_ATTENTION;
	b[5].waiting = true;
	for (unsigned lang = 0; lang < 3; lang++)
		for (size_t i = 0; i < array_len(b); i++) {
			said[lang][i] =
				words_blocker(&arena, (enum words_lang)lang, OP_INDIV_IE, &b[i]);
			for (size_t k = 0; k < i; k++)
				assert_string_not_equal(said[lang][i], said[lang][k]);
		}
}

static void every_pair_of_operations_fits_a_message_in_every_language(void **state unused)
{
	char holder[161];

	memset(holder, 'h', sizeof(holder) - 1);
	holder[160] = '\0';
	for (unsigned lang = 0; lang < 3; lang++)
		for (unsigned a = OP_SEND; a < OP_END; a++)
			for (unsigned b = OP_SEND; b < OP_END; b++) {
				struct m_blocker by = {.op = op_id(a),
					.state = LOCK_STATE_QUARANTINE,
					.holder = holder,
					.row = 20};
				const char *text =
					words_blocker(&arena, (enum words_lang)lang, b, &by);
				assert_in_range(strlen(text), 20, 1023);
				assert_true(utf8_valid(text, strlen(text)));
			}
}

static const char *answer(enum words_lang lang, const struct m_lock_answer *a)
{
	return words_answer(&arena, lang, OP_INDIV_IE, a);
}

static void yes_no_and_why(void **state unused)
{
	struct m_lock_answer yes = {.answer = LOCK_RESULT_GRANTED};
	struct m_lock_answer never = {.answer = LOCK_RESULT_REFUSED, .reason = "not_requestable"};
	struct m_blocker two[] = {update, update};
	struct m_lock_answer no = {
		.answer = LOCK_RESULT_BUSY, .blockers = two, .blockers_n = array_len(two)};

	assert_string_equal(
		answer(WORDS_EN, &yes), "Yes: Individual import or export may start now.");
	assert_string_equal(answer(WORDS_JA, &yes),
		"はい：「個別インポート／個別エクスポート」は今すぐ開始できます。");
	assert_string_equal(answer(WORDS_EN, &never),
		"No: This operation can only be observed, not asked for.");
	for (size_t i = 0; i < array_len(two); i++)
		two[i].text = "Somebody prints.";
	assert_string_equal(answer(WORDS_EN, &no), "No: Somebody prints. And 1 more.");
	assert_string_equal(answer(WORDS_FR, &no), "Non : Somebody prints. Et 1 de plus.");
}

static void what_is_left_out_is_named(void **state unused)
{
	struct m_item_refusal left[] = {{.item = "personal_setting_info", .device = world_id(1)},
		{.item = "user_group_address_list", .device = world_id(1)},
		{.item = "user_group_address_list", .device = world_id(2)}};
	struct m_lock_answer a = {.answer = LOCK_RESULT_GRANTED,
		.items_refused = left,
		.items_refused_n = array_len(left)};

	assert_string_equal(words_answer(&arena, WORDS_EN, OP_BATCH_IE, &a),
		"Yes: Batch import or export may start now. Without what the device synchronises "
		"itself: Personal Setting Information, User Group Address List.");
}

static void a_text_that_is_too_long_ends_between_characters(void **state unused)
{
	struct m_item_refusal left[40];
	struct m_lock_answer a = {.answer = LOCK_RESULT_GRANTED,
		.items_refused = left,
		.items_refused_n = array_len(left)};

	for (size_t i = 0; i < array_len(left); i++)
		left[i] = (struct m_item_refusal){.item = "user_group_address_list"};
	const char *text = words_answer(&arena, WORDS_JA, OP_BATCH_IE, &a);

	assert_in_range(strlen(text), 1000, 1024);
	assert_true(utf8_valid(text, strlen(text)));
}

#define RULE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		RULE(a_language_is_english_unless_known),
		RULE(a_holder_is_named_with_operation_and_row),
		RULE(each_way_to_be_in_the_way_has_its_own_words),
		RULE(every_pair_of_operations_fits_a_message_in_every_language),
		RULE(yes_no_and_why),
		RULE(what_is_left_out_is_named),
		RULE(a_text_that_is_too_long_ends_between_characters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
