// SPDX-License-Identifier: Apache-2.0
/* status, explain (offline), completion. */
#include <stdlib.h>
#include <string.h>

#include "services/cli/cli.h"

int run_status(struct cli *c, const struct verb *v)
{
	struct answer a;
	size_t i;
	json_t *warning;
	int rc;

	if (client_call(c, "GET", "/status", NULL, NULL, &a) != 0) {
		rc = client_problem(c, &a);
		answer_fini(&a);
		return rc;
	}
	const char *state = json_string_value(json_object_get(a.json, "state"));
	json_t *warnings = json_object_get(a.json, "warnings");
	if (c->json)
		print_json(a.json);
	else
		table_print(c, json_object_get(a.json, "components"), v->columns, NULL);
	json_array_foreach(warnings, i, warning)(void)
		cli_fail(0, "warning: %s", json_string_value(warning));
	rc = state != NULL && strcmp(state, "ok") == 0 ? EXIT_DONE : EXIT_ERROR;
	if (rc == EXIT_DONE && json_array_size(warnings) > 0)
		rc = EXIT_CHANGES;
	answer_fini(&a);
	return rc;
}

int run_explain(struct cli *c, const struct verb *v)
{
	if (c->n_args != 1)
		return cli_fail(EXIT_USAGE, "%s needs a code, for example CN-2101", v->noun);
	const char *text = c->args[0];
	if (strncasecmp(text, "CN-", 3) == 0)
		text += 3;
	int code = (int)strtol(text, NULL, 10);
	const struct error_info *e = code > 0 ? error_info(code) : error_named(text);
	size_t l = cli_lang(c);
	if (e == NULL)
		return cli_fail(EXIT_ERROR, "there is no code '%s'", c->args[0]);
	if (c->json) {
		json_t *j = json_pack("{s:i, s:s, s:s, s:s, s:b, s:s, s:s, s:s}", "code", e->code,
			"name", e->name, "class", error_class_words[e->class], "outcome",
			error_outcome_words[e->outcome], "retryable", (int)e->retryable, "who",
			error_who_words[e->who], "text", e->text[l], "hint", e->hint[l]);
		print_json(j);
		json_decref(j);
		return EXIT_DONE;
	}
	(void)printf("CN-%04d %s (%s; %s%s)\n%s\n%s\n", e->code, e->name,
		error_class_words[e->class], error_outcome_words[e->outcome],
		e->retryable ? ", retried" : "", e->text[l], e->hint[l]);
	return EXIT_DONE;
}

/* ---- completion, made from the verb table ---- */

static void each_noun(void (*fn)(const char *noun))
{
	for (size_t i = 0; i < verb_count; i++)
		if (i == 0 || strcmp(verb_table[i].noun, verb_table[i - 1].noun) != 0)
			fn(verb_table[i].noun);
}

static void print_word(const char *word)
{
	(void)printf("%s ", word);
}

static void print_case(const char *noun)
{
	(void)printf("    %s) words=\"", noun);
	for (size_t i = 0; i < verb_count; i++)
		if (strcmp(verb_table[i].noun, noun) == 0)
			(void)printf("%s ", verb_table[i].name);
	(void)printf("\" ;;\n");
}

int run_completion(struct cli *c, const struct verb *v)
{
	bool zsh = c->n_args == 1 && strcmp(c->args[0], "zsh") == 0;

	if (c->n_args != 1 || (!zsh && strcmp(c->args[0], "bash") != 0))
		return cli_fail(EXIT_USAGE, "%s needs bash or zsh", v->noun);
	if (zsh)
		(void)printf("autoload -Uz bashcompinit && bashcompinit\n");
	(void)printf("_carnet() {\n  local words=\"\" cur=\"${COMP_WORDS[COMP_CWORD]}\"\n"
		     "  if [ \"$COMP_CWORD\" -eq 1 ]; then words=\"");
	each_noun(print_word);
	(void)printf("\"\n  elif [ \"$COMP_CWORD\" -eq 2 ]; then case \"${COMP_WORDS[1]}\" in\n");
	each_noun(print_case);
	(void)printf(
		"  esac; else words=\"--json --wide --filter --lang --yes --dry-run --timeout\"; "
		"fi\n  COMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n}\n"
		"complete -o default -F _carnet carnet\n");
	return EXIT_DONE;
}
