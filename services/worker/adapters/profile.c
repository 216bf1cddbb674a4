// SPDX-License-Identifier: Apache-2.0
/* Reader of schemas/profiles/<family>.json. */
#include "services/worker/adapters/profile.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/msg/msg.h"
#include "gen/errors.h"
#include "services/worker/adapters/page.h"

static const char *const languages[PROFILE_LANGUAGES] = {"en", "fr", "ja"};

static void read_words(const json_t *texts, const char *name, const char **out)
{
	const json_t *list = json_object_get(texts, name);
	size_t n = size_min(json_array_size(list), PROFILE_WORDS);

	for (size_t i = 0, k = 0; i < n; i++)
		if (json_is_string(json_array_get(list, i)))
			out[k++] = json_string_value(json_array_get(list, i));
}

static void read_line(const json_t *o, struct profile_line *out)
{
	out->op = json_string_value(json_object_get(o, "op"));
	for (size_t i = 0; i < PROFILE_LANGUAGES; i++)
		out->text[i] = json_string_value(json_object_get(o, languages[i]));
}

static void read_profile(const json_t *root, struct profile *p)
{
	const json_t *texts = json_object_get(root, "texts");
	const json_t *lines = json_object_get(root, "console");

	read_words(texts, "refused", p->refused);
	read_words(texts, "session_lost", p->session_lost);
	read_words(texts, "receive_restricted", p->receive_restricted);
	read_words(texts, "busy", p->busy);
	read_words(texts, "not_available", p->not_available);
	read_words(texts, "logged_in", p->logged_in);
	read_words(texts, "imported", p->imported);
	read_words(texts, "restart_needed", p->restart_needed);
	read_words(texts, "wrong_password", p->wrong_password);
	read_words(texts, "mode_erase", p->mode_erase);
	read_words(texts, "decrypt_no", p->decrypt_no);
	read_words(texts, "skipped_model", p->skipped_model);
	read_words(texts, "skipped_policy", p->skipped_policy);
	read_words(texts, "menu_all", p->menu_all);
	read_words(texts, "menu_data", p->menu_data);
	read_words(texts, "menu_individual", p->menu_individual);
	read_words(texts, "menu_lists", p->menu_lists);
	read_words(texts, "menu_values", p->menu_values);
	read_words(texts, "menu_import", p->menu_import);
	for (size_t i = 0; i < json_array_size(lines) && p->n_lines < PROFILE_LINES; i++)
		read_line(json_array_get(lines, i), &p->lines[p->n_lines++]);
	read_line(json_object_get(root, "console_ready"), &p->ready);
	p->data = root;
}

int profile_load(
	const char *dir, const char *family, const struct profile **ret, struct fault *reterr)
{
	char path[4400];
	json_error_t why;
	struct profile *p;
	json_t *root;
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s.json", dir, family);
	f = fopen(path, "re");
	if (f == NULL && errno == ENOENT) {
		*ret = NULL;
		return 0;
	}
	if (f == NULL)
		return fault_set(reterr, CN_INTERNAL_ERROR, "%.200s: %s", path, strerror(errno));
	root = json_loadf(f, JSON_REJECT_DUPLICATES, &why);
	fclose(f);
	if (!json_is_object(root)) {
		json_decref(root);
		return fault_set(reterr, CN_INTERNAL_ERROR, "%.120s, line %d: %.80s", path,
			why.line, why.text);
	}
	p = mem_alloc(sizeof(*p));
	read_profile(root, p); /* points into root, which stays */
	*ret = p;
	return 0;
}

static bool begins(const char *line, const struct profile_line *l)
{
	for (size_t i = 0; i < PROFILE_LANGUAGES; i++)
		if (l->text[i] && *l->text[i] && strncmp(line, l->text[i], strlen(l->text[i])) == 0)
			return true;
	return false;
}

const char *profile_line_op(const struct profile *p, const char *line)
{
	if (*line == 0 || begins(line, &p->ready))
		return "";
	for (size_t i = 0; i < p->n_lines; i++)
		if (p->lines[i].op && begins(line, &p->lines[i]))
			return p->lines[i].op;
	return "other_activity";
}

bool profile_says(const char *const *words, struct span text)
{
	for (; *words; words++)
		if (text_contains(text, *words))
			return true;
	return false;
}
