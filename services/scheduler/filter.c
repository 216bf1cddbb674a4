// SPDX-License-Identifier: Apache-2.0
/* Lexer and recursive descent parser of the filter language, with bounds on everything. */
#include "services/scheduler/filter.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gen/errors.h"

enum token { T_END, T_WORD, T_QUOTED, T_OPEN, T_CLOSE, T_COMMA, T_OP };

struct parser {
	const char *text;
	size_t at;    /* of the next unread byte */
	size_t start; /* of the present token, for messages */
	enum token token;
	enum filter_op op; /* of T_OP */
	const char *value; /* of T_WORD and T_QUOTED */
	size_t nodes;
	const struct filter_field *fields;
	struct arena *arena;
	struct fault *err;
};

static const struct filter *parse_or(struct parser *p, unsigned depth);

static int refuse(struct parser *p, const char *what)
{
	return fault_why(p->err, CN_VALIDATION_FAILED, "filter", "filter: column %zu: %s",
		p->start + 1, what);
}

/* ---- lexer ---- */

static bool word_byte(unsigned char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c >= 0x80 || (c != '\0' && strchr("_.:/*?+@-%", c) != NULL);
}

static int lex_quoted(struct parser *p)
{
	char quote = p->text[p->at++];
	size_t left = strlen(p->text) - p->at, n = 0;
	char *out = arena_alloc(p->arena, left + 1);

	if (out == NULL)
		return refuse(p, "too long");
	for (;;) {
		char c = p->text[p->at];
		if (c == '\0')
			return refuse(p, "the quote is not closed");
		p->at++;
		if (c == quote && p->text[p->at] != quote)
			break;
		if (c == quote)
			p->at++;
		out[n++] = c;
	}
	out[n] = '\0';
	p->value = out;
	p->token = T_QUOTED;
	return 0;
}

static int lex_word(struct parser *p)
{
	size_t from = p->at;

	while (word_byte((unsigned char)p->text[p->at]))
		p->at++;
	if (p->at == from)
		return refuse(p, "unexpected character");
	p->value = arena_strndup(p->arena, p->text + from, p->at - from);
	p->token = T_WORD;
	return p->value == NULL ? refuse(p, "too long") : 0;
}

static int lex_op(struct parser *p, enum filter_op op, size_t n)
{
	p->token = T_OP;
	p->op = op;
	p->at += n;
	return 0;
}

static int lex_mark(struct parser *p, enum token token)
{
	p->token = token;
	p->at++;
	return 0;
}

static int next(struct parser *p)
{
	while (p->text[p->at] != '\0' && strchr(" \t\r\n", p->text[p->at]) != NULL)
		p->at++;
	p->start = p->at;
	switch (p->text[p->at]) {
	case '\0':
		p->token = T_END;
		return 0;
	case '(':
		return lex_mark(p, T_OPEN);
	case ')':
		return lex_mark(p, T_CLOSE);
	case ',':
		return lex_mark(p, T_COMMA);
	case '=':
		return lex_op(p, FILTER_EQ, 1);
	case '~':
		return lex_op(p, FILTER_LIKE, 1);
	case '<':
		return lex_op(p, FILTER_LT, 1);
	case '>':
		return lex_op(p, FILTER_GT, 1);
	case '!':
		if (p->text[p->at + 1] == '=')
			return lex_op(p, FILTER_NE, 2);
		return refuse(p, "'!' without '='");
	case '\'':
	case '"':
		return lex_quoted(p);
	default:
		return lex_word(p);
	}
}

static bool is_word(const struct parser *p, const char *word)
{
	return p->token == T_WORD && strcmp(p->value, word) == 0;
}

/* ---- values ---- */

static int word_number(struct parser *p, const struct filter_field *field, const char **value)
{
	for (const struct msg_enum_word *w = field->words; w->word != NULL; w++) {
		if (strcmp(w->word, *value) == 0) {
			*value = arena_printf(p->arena, "%d", w->number);
			return *value == NULL ? refuse(p, "too long") : 0;
		}
	}
	return refuse(p, "this word is not one of the field's");
}

/* "7d" to seconds. */
static int age_seconds(struct parser *p, const char **value)
{
	char *end = NULL;
	unsigned long n = strtoul(*value, &end, 10);
	unsigned long unit = 0;

	if (end != *value && **value >= '0' && **value <= '9' && n <= 1000000) {
		unit = strcmp(end, "s") == 0   ? 1
		       : strcmp(end, "m") == 0 ? 60
		       : strcmp(end, "h") == 0 ? 3600
		       : strcmp(end, "d") == 0 ? 86400
					       : 0;
	}
	if (unit == 0)
		return refuse(p, "an age is a number with s, m, h or d");
	*value = arena_printf(p->arena, "%lu", n * unit);
	return *value == NULL ? refuse(p, "too long") : 0;
}

/* YYYY-MM-DD, or YYYY-MM-DDTHH:MM:SSZ: what the database reads without a doubt. */
static int check_time(struct parser *p, const char *value)
{
	static const char form[] = "dddd-dd-ddTdd:dd:ddZ";
	size_t n = strlen(value);
	int year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0;

	if (n != 10 && n != 20)
		return refuse(p, "a time is 2027-01-05 or 2027-01-05T01:20:30Z");
	for (size_t i = 0; i < n; i++) {
		bool digit = value[i] >= '0' && value[i] <= '9';
		if (form[i] == 'd' ? !digit : value[i] != form[i])
			return refuse(p, "a time is 2027-01-05 or 2027-01-05T01:20:30Z");
	}
	if (sscanf(value, "%4d-%2d-%2dT%2d:%2d:%2d", &year, &month, &day, &hour, &minute, &second) <
			3 ||
		year < 1 || month < 1 || month > 12 || day < 1 || day > 28 + 3 || hour > 23 ||
		minute > 59 || second > 59)
		return refuse(p, "no such time");
	if ((day > 30 && (month == 4 || month == 6 || month == 9 || month == 11)) ||
		(month == 2 && day > 29) ||
		(month == 2 && day == 29 &&
			(year % 4 != 0 || (year % 100 == 0 && year % 400 != 0))))
		return refuse(p, "no such day");
	return 0;
}

static bool is_network(const char *value)
{
	const char *slash = strchr(value, '/');
	char host[INET6_ADDRSTRLEN];
	unsigned char raw[16];
	char *end = NULL;

	if (slash == NULL || (size_t)(slash - value) >= sizeof(host))
		return false;
	memcpy(host, value, (size_t)(slash - value));
	host[slash - value] = '\0';
	bool v4 = inet_pton(AF_INET, host, raw) == 1;
	if (!v4 && inet_pton(AF_INET6, host, raw) != 1)
		return false;
	unsigned long bits = strtoul(slash + 1, &end, 10);
	return slash[1] >= '0' && slash[1] <= '9' && *end == '\0' && bits <= (v4 ? 32 : 128);
}

static int check_value(struct parser *p, struct filter *f, const char **value)
{
	static const char *const results[] = {"yes", "no", "unknown", "refused"};

	switch (f->field->type) {
	case FILTER_WORD:
		return word_number(p, f->field, value);
	case FILTER_AGE:
		return age_seconds(p, value);
	case FILTER_TIME:
		return check_time(p, *value);
	case FILTER_BOOL:
		if (strcmp(*value, "true") == 0 || strcmp(*value, "false") == 0)
			return 0;
		return refuse(p, "true or false");
	case FILTER_RESULT:
		for (size_t i = 0; i < array_len(results); i++) {
			if (strcmp(*value, results[i]) == 0)
				return 0;
		}
		return refuse(p, "yes, no, unknown or refused");
	case FILTER_NUMBER:
		if (**value != '\0' && strspn(*value, "0123456789") == strlen(*value) &&
			strlen(*value) <= 18)
			return 0;
		return refuse(p, "a number is wanted");
	case FILTER_STRING:
	case FILTER_ADDRESS:
	case FILTER_LABEL:
	case FILTER_MAP:
	case FILTER_GROUP:
	case FILTER_LOGIN:
		return 0;
	}
	return refuse(p, "unknown field");
}

static int one_value(struct parser *p, struct filter *f, const char **ret_value)
{
	if (p->token != T_WORD && p->token != T_QUOTED)
		return refuse(p, "a value is missing");
	const char *value = p->value;
	if (check_value(p, f, &value) < 0)
		return -1;
	*ret_value = value;
	return next(p);
}

/* "in (a, b)", or "in 10.0.0.0/8" for an address. */
static int value_list(struct parser *p, struct filter *f, const char **values)
{
	if (f->field->type == FILTER_ADDRESS && (p->token == T_WORD || p->token == T_QUOTED)) {
		if (!is_network(p->value))
			return refuse(p, "a network is written 10.1.0.0/16");
		f->cidr = true;
		f->n_values = 1;
		return one_value(p, f, values);
	}
	if (p->token != T_OPEN)
		return refuse(p, "'in' needs ( value, … )");
	do {
		if (f->n_values == FILTER_VALUES_MAX)
			return refuse(p, "too many values");
		if (next(p) < 0 || one_value(p, f, &values[f->n_values++]) < 0)
			return -1;
	} while (p->token == T_COMMA);
	return p->token == T_CLOSE ? next(p) : refuse(p, "')' is missing");
}

/* ---- comparisons ---- */

static const struct filter_field *find_field(
	const struct filter_field *fields, const char *name, const char **ret_key)
{
	for (const struct filter_field *f = fields; f->name != NULL; f++) {
		size_t n = strlen(f->name);
		bool keyed = f->name[n - 1] == '.';
		if (keyed && strncmp(name, f->name, n) == 0 && name[n] != '\0') {
			*ret_key = name + n;
			return f;
		}
		if (!keyed && strcmp(name, f->name) == 0)
			return f;
	}
	return NULL;
}

static bool op_fits(enum filter_type type, enum filter_op op)
{
	bool equal = op == FILTER_EQ || op == FILTER_NE;
	bool order = op == FILTER_LT || op == FILTER_GT;

	switch (type) {
	case FILTER_STRING:
	case FILTER_ADDRESS:
	case FILTER_LABEL:
		return true;
	case FILTER_BOOL:
		return equal;
	case FILTER_WORD:
	case FILTER_RESULT:
	case FILTER_GROUP:
		return equal || op == FILTER_IN;
	case FILTER_TIME:
	case FILTER_AGE:
		return order;
	case FILTER_NUMBER:
		return equal || order || op == FILTER_IN;
	case FILTER_MAP:
	case FILTER_LOGIN:
		return op == FILTER_HAS;
	}
	return false;
}

static int parse_op(struct parser *p, struct filter *f)
{
	if (p->token == T_OP)
		f->op = p->op;
	else if (is_word(p, "in"))
		f->op = FILTER_IN;
	else if (is_word(p, "has"))
		f->op = FILTER_HAS;
	else
		return refuse(p, "one of = != in ~ < > has is missing");
	if (!op_fits(f->field->type, f->op))
		return refuse(p, "this comparison does not fit the field");
	return next(p);
}

static struct filter *node_new(struct parser *p, enum filter_op op)
{
	struct filter *f = NULL;

	if (++p->nodes <= FILTER_NODES_MAX)
		f = arena_alloc(p->arena, sizeof(*f));
	if (f == NULL)
		(void)refuse(p, "too many conditions");
	else
		f->op = op;
	return f;
}

static const struct filter *parse_comparison(struct parser *p)
{
	struct filter *f = node_new(p, FILTER_EQ);
	const char **values = NULL;

	if (f == NULL)
		return NULL;
	if (p->token != T_WORD) {
		(void)refuse(p, "a field is missing");
		return NULL;
	}
	f->field = find_field(p->fields, p->value, &f->key);
	if (f->field == NULL) {
		(void)refuse(p, "unknown field");
		return NULL;
	}
	if (next(p) < 0 || parse_op(p, f) < 0)
		return NULL;
	values = arena_array(p->arena, f->op == FILTER_IN ? FILTER_VALUES_MAX : 1, sizeof(*values));
	if (values == NULL) {
		(void)refuse(p, "too long");
		return NULL;
	}
	f->values = values;
	if (f->op == FILTER_IN)
		return value_list(p, f, values) == 0 ? f : NULL;
	f->n_values = 1;
	return one_value(p, f, values) == 0 ? f : NULL;
}

/* ---- and, or, not, brackets ---- */

static const struct filter *parse_not(struct parser *p, unsigned depth)
{
	if (depth > FILTER_DEPTH_MAX) {
		(void)refuse(p, "too deep");
		return NULL;
	}
	if (is_word(p, "not")) {
		struct filter *f = node_new(p, FILTER_NOT);
		if (f == NULL || next(p) < 0)
			return NULL;
		f->left = parse_not(p, depth + 1);
		return f->left == NULL ? NULL : f;
	}
	if (p->token != T_OPEN)
		return parse_comparison(p);
	if (next(p) < 0)
		return NULL;
	const struct filter *inner = parse_or(p, depth + 1);
	if (inner == NULL)
		return NULL;
	if (p->token != T_CLOSE) {
		(void)refuse(p, "')' is missing");
		return NULL;
	}
	return next(p) == 0 ? inner : NULL;
}

static const struct filter *join(
	struct parser *p, enum filter_op op, const struct filter *left, const struct filter *right)
{
	struct filter *f = right == NULL ? NULL : node_new(p, op);

	if (f != NULL) {
		f->left = left;
		f->right = right;
	}
	return f;
}

static const struct filter *parse_and(struct parser *p, unsigned depth)
{
	const struct filter *left = parse_not(p, depth);

	while (left != NULL && is_word(p, "and"))
		left = next(p) < 0 ? NULL : join(p, FILTER_AND, left, parse_not(p, depth));
	return left;
}

static const struct filter *parse_or(struct parser *p, unsigned depth)
{
	const struct filter *left = parse_and(p, depth);

	while (left != NULL && is_word(p, "or"))
		left = next(p) < 0 ? NULL : join(p, FILTER_OR, left, parse_and(p, depth));
	return left;
}

int filter_parse(const char *text, const struct filter_field *fields, struct arena *arena,
	const struct filter **ret_filter, struct fault *reterr)
{
	struct parser p = {
		.text = text == NULL ? "" : text, .fields = fields, .arena = arena, .err = reterr};
	const struct filter *f = NULL;

	if (strlen(p.text) > FILTER_TEXT_MAX)
		return refuse(&p, "longer than 4096 bytes");
	if (next(&p) < 0)
		return -1;
	if (p.token != T_END) {
		f = parse_or(&p, 0);
		if (f == NULL)
			return -1;
		if (p.token != T_END)
			return refuse(&p, "'and' or 'or' is missing");
	}
	*ret_filter = f;
	return 0;
}
