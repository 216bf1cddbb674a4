// SPDX-License-Identifier: Apache-2.0
/* Words, "strings" and punctuation with their lines. # begins a comment, except inside a string. */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "schemas/gen/schemagen.h"

char *file_text(const char *path)
{
	FILE *f = fopen(path, "r");
	char *s = NULL;
	size_t n = 0;

	if (f == NULL)
		return NULL;
	FILE *mem = open_memstream(&s, &n);
	if (mem == NULL)
		die((struct at){0}, "out of memory");
	for (int c = fgetc(f); c != EOF; c = fgetc(f))
		(void)fputc(c, mem);
	(void)fclose(f);
	(void)fclose(mem);
	return s;
}

static void skip_space(struct lex *l)
{
	for (; *l->p != '\0'; l->p++) {
		if (*l->p == '#')
			l->p += strcspn(l->p, "\n");
		if (!isspace((unsigned char)*l->p))
			return;
		if (*l->p == '\n')
			l->at.line++;
	}
}

/* l->p stands after the opening quote. Only \" and \\ are escapes. */
static char *quoted(struct lex *l)
{
	char *s = take(strcspn(l->p, "\n"));
	char *to = s;

	while (*l->p != '"') {
		if (*l->p == '\\' && (l->p[1] == '"' || l->p[1] == '\\'))
			l->p++;
		if (*l->p == '\0' || *l->p == '\n')
			die(l->at, "string does not end on its line");
		*to++ = *l->p++;
	}
	l->p++;
	return s;
}

static char *word(struct lex *l)
{
	size_t n = strcspn(l->p, l->tab ? " \t\r\n\"" : " \t\r\n\"{}=");

	if (n == 0)
		die(l->at, "unexpected '%c'", *l->p);
	char *s = text("%.*s", (int)n, l->p);
	l->p += n;
	return s;
}

static struct token scan(struct lex *l)
{
	struct token t = {.kind = T_END};

	skip_space(l);
	t.at = l->at;
	if (*l->p == '\0')
		return t;
	const char *punct = l->tab ? NULL : strchr("{}=", *l->p);
	if (*l->p == '"') {
		l->p++;
		t.kind = T_STRING;
		t.s = quoted(l);
	} else if (punct != NULL) {
		t.kind = *punct == '{' ? T_OPEN : *punct == '}' ? T_CLOSE : T_EQUAL;
		t.s = text("%c", *l->p++);
	} else {
		t.kind = T_WORD;
		t.s = word(l);
	}
	return t;
}

void lex_open(struct lex *l, const char *path, bool tab)
{
	*l = (struct lex){.tab = tab, .at = {.file = text("%s", path), .line = 1}};
	l->p = file_text(path);
	if (l->p == NULL)
		die((struct at){0}, "%s: %s", path, strerror(errno));
	l->next = scan(l);
}

struct token lex_next(struct lex *l)
{
	struct token t = l->next;

	if (t.kind != T_END)
		l->next = scan(l);
	return t;
}

struct token lex_want(struct lex *l, enum kind kind, const char *what)
{
	struct token t = lex_next(l);

	if (t.kind != kind)
		die(t.at, "%s wanted, not '%s'", what, t.s != NULL ? t.s : "end of file");
	return t;
}

bool lex_is(const struct lex *l, const char *w)
{
	return l->next.kind == T_WORD && strcmp(l->next.s, w) == 0;
}

bool lex_same_line(const struct lex *l, const struct token *t)
{
	return l->next.kind != T_END && l->next.at.line == t->at.line;
}

bool lex_line(struct lex *l, struct line *ret_line)
{
	struct token first = l->next;
	struct line line = {.at = first.at};

	if (first.kind == T_END)
		return false;
	while (lex_same_line(l, &first))
		*grow(line.w, line.n) = lex_next(l);
	*ret_line = line;
	return true;
}
