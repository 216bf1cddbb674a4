// SPDX-License-Identifier: Apache-2.0
/* Errors, memory, output. */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "schemas/gen/schemagen.h"

void die(struct at at, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	if (at.file != NULL)
		(void)fprintf(stderr, "%s:%d: ", at.file, at.line);
	(void)vfprintf(stderr, fmt, ap);
	(void)fputc('\n', stderr);
	va_end(ap);
	exit(1);
}

void *take(size_t n)
{
	void *p = calloc(1, n + 1);

	if (p == NULL)
		die((struct at){0}, "out of memory");
	return p;
}

void *grow_(void *p, size_t n, size_t size)
{
	/* doubled at each power of two */
	if ((n & (n - 1)) != 0)
		return memset((char *)p + n * size, 0, size), p;
	p = realloc(p, (n == 0 ? 1 : n * 2) * size);
	if (p == NULL)
		die((struct at){0}, "out of memory");
	memset((char *)p + n * size, 0, size);
	return p;
}

char *text(const char *fmt, ...)
{
	va_list ap;
	char *s = NULL;

	va_start(ap, fmt);
	if (vasprintf(&s, fmt, ap) < 0)
		die((struct at){0}, "out of memory");
	va_end(ap);
	return s;
}

char *upper(const char *s)
{
	char *u = text("%s", s);

	for (char *p = u; *p != '\0'; p++)
		*p = *p == '.' || *p == '-' ? '_' : (char)toupper((unsigned char)*p);
	return u;
}

bool is_word(const char *s)
{
	if (!isalpha((unsigned char)*s))
		return false;
	for (; *s != '\0'; s++) {
		if (!isalnum((unsigned char)*s) && *s != '_')
			return false;
	}
	return true;
}

void check_name(struct at at, const char *s)
{
	static const char *const keywords[] = {"auto", "break", "case", "char", "const", "continue",
		"default", "do", "double", "else", "enum", "extern", "float", "for", "goto", "if",
		"inline", "int", "long", "register", "restrict", "return", "short", "signed",
		"sizeof", "static", "struct", "switch", "typedef", "typeof", "union", "unsigned",
		"void", "volatile", "while", "asm", "bool", "true", "false", "has"};

	if (!is_word(s) || isupper((unsigned char)*s))
		die(at, "'%s' is no name: a-z first, then a-z 0-9 _", s);
	if (index_of(keywords, array_len(keywords), s) >= 0)
		die(at, "'%s' is a word of C or of the generator; choose another name", s);
}

int index_of(const char *const *words, size_t n, const char *s)
{
	for (size_t i = 0; i < n; i++) {
		if (strcmp(words[i], s) == 0)
			return (int)i;
	}
	return -1;
}

uint64_t number(struct at at, const char *s, uint64_t max)
{
	char *end;

	errno = 0;
	uint64_t v = strtoull(s, &end, 0);
	if (!isdigit((unsigned char)*s) || *end != '\0' || errno != 0 || v > max)
		die(at, "'%s' is no number up to %llu", s, (unsigned long long)max);
	return v;
}

void out_raw(struct out *o, const char *path)
{
	*o = (struct out){.path = text("%s", path)};
	o->f = open_memstream(&o->text, &o->n);
	if (o->f == NULL)
		die((struct at){0}, "out of memory");
}

void out_open(struct out *o, const char *dir, const char *name, const char *purpose)
{
	out_raw(o, text("%s/%s", dir, name));
	put(o, "// SPDX-License-Identifier: Apache-2.0\n");
	put(o, "/* %s\n * Made by schemas/gen from schemas/: do not edit. */\n", purpose);
	if (strstr(name, ".h") != NULL)
		put(o, "#pragma once\n\n");
}

void put(struct out *o, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)vfprintf(o->f, fmt, ap);
	va_end(ap);
}

void put_text(struct out *o, const char *s)
{
	if (s == NULL) {
		put(o, "NULL");
		return;
	}
	(void)fputc('"', o->f);
	for (; *s != '\0'; s++) {
		if (*s == '"' || *s == '\\')
			(void)fputc('\\', o->f);
		(void)fputc(*s, o->f);
	}
	(void)fputc('"', o->f);
}

void out_close(struct out *o)
{
	if (fclose(o->f) != 0)
		die((struct at){0}, "out of memory");
	char *old = file_text(o->path);
	if (old != NULL && strcmp(old, o->text) == 0)
		return;
	char *tmp = text("%s.tmp", o->path);
	FILE *f = fopen(tmp, "w");
	if (f == NULL || fwrite(o->text, 1, o->n, f) != o->n || fclose(f) != 0 ||
		rename(tmp, o->path) != 0)
		die((struct at){0}, "%s: %s", o->path, strerror(errno));
}
