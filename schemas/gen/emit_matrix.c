// SPDX-License-Identifier: Apache-2.0
/* matrix.csv to gen/matrix.h and .c (docs/spec/locks.md section 1). */
#include <string.h>

#include "schemas/gen/schemagen.h"

#define COLUMNS 10

static const char header_line[] =
	"id,row,name_en,name_fr,name_ja,run_during_import_export,import_export_during_run,"
	"effect_on_operation,effect_on_import_export,proof";
static const char *const cells[] = {"no", "yes", "partial"};
static const char *const effects[] = {"none", "block", "pause", "defer", "refuse", "refuse_items"};
static const char *const proofs[] = {"documented", "by_absence", "unproven"};

struct row {
	char *col[COLUMNS];
	int c1, c2, on_op, on_ie, proof;
};

static int word_of(struct at at, const char *s, const char *const *words, size_t n)
{
	int i = index_of(words, n, s);

	if (i < 0)
		die(at, "'%s' is no word of this column", s);
	return i;
}

static struct row read_row(struct at at, char *line, size_t wanted)
{
	struct row r = {0};
	size_t n = 0;

	if (strchr(line, '"') != NULL)
		die(at, "no quotes in this file");
	for (char *p = line, *cell; (cell = strsep(&p, ",")) != NULL; n++) {
		if (n == COLUMNS || *cell == '\0')
			die(at, "%d filled columns wanted", COLUMNS);
		r.col[n] = cell;
	}
	if (n != COLUMNS)
		die(at, "%d columns wanted, not %zu", COLUMNS, n);
	check_name(at, r.col[0]);
	if (number(at, r.col[1], 255) != wanted)
		die(at, "row %zu wanted, not %s", wanted, r.col[1]);
	r.c1 = word_of(at, r.col[5], cells, array_len(cells));
	r.c2 = word_of(at, r.col[6], cells, array_len(cells));
	r.on_op = word_of(at, r.col[7], effects, array_len(effects));
	r.on_ie = word_of(at, r.col[8], effects, array_len(effects));
	r.proof = word_of(at, r.col[9], proofs, array_len(proofs));
	return r;
}

static struct row *read_matrix(const char *path, size_t *ret_n)
{
	char *p = file_text(path);
	struct row *rows = NULL;
	size_t n = 0;
	struct at at = {.file = path, .line = 1};

	if (p == NULL)
		die(at, "cannot be read");
	char *line = strsep(&p, "\n");
	if (strcmp(line, header_line) != 0)
		die(at, "the header line is not the one of docs/spec/locks.md section 1");
	while ((line = strsep(&p, "\n")) != NULL) {
		at.line++;
		if (*line == '\0' && p == NULL)
			break;
		struct row r = read_row(at, line, n + 1);
		*grow(rows, n) = r;
	}
	*ret_n = n;
	return rows;
}

static void put_enum(struct out *o, const char *name, const char *const *words, size_t n)
{
	put(o, "enum matrix_%s {\n", name);
	for (size_t i = 0; i < n; i++)
		put(o, "\tMATRIX_%s_%s,\n", upper(name), upper(words[i]));
	put(o, "};\n\n");
}

static const char row_struct[] =
	"struct matrix_row {\n"
	"\tenum op op; /* also the number of the row */\n"
	"\tconst char *id;\n"
	"\tconst char *name[3]; /* en, fr, ja */\n"
	"\tenum matrix_cell run_during_ie; /* C1: may it start while an import or export runs */\n"
	"\tenum matrix_cell ie_during_run; /* C2: may an import or export start while it runs */\n"
	"\tenum matrix_effect on_op; /* what an import or export does to it */\n"
	"\tenum matrix_effect on_ie; /* what it does to an import or export */\n"
	"\tenum matrix_proof proof;\n"
	"};\n\n";

void make_matrix(const char *schemas, const char *dir)
{
	struct out o;
	size_t n;
	struct row *rows = read_matrix(text("%s/matrix.csv", schemas), &n);

	out_open(&o, dir, "matrix.h",
		"Which operation excludes which, docs/spec/locks.md section 1.");
	put(&o, "/* Numbers are those of the rows. */\nenum op {\n\tOP_NONE = 0,\n");
	for (size_t i = 0; i < n; i++)
		put(&o, "\tOP_%s = %zu,\n", upper(rows[i].col[0]), i + 1);
	put(&o, "};\n#define MATRIX_ROWS %zu\n\n", n);
	put_enum(&o, "cell", cells, array_len(cells));
	put_enum(&o, "effect", effects, array_len(effects));
	put_enum(&o, "proof", proofs, array_len(proofs));
	put(&o, "%s", row_struct);
	put(&o, "/* matrix[op - 1] */\nextern const struct matrix_row matrix[MATRIX_ROWS];\n"
		"/* NULL when the id is not in the table. */\n"
		"const struct matrix_row *matrix_find(const char *id);\n");
	out_close(&o);

	out_open(&o, dir, "matrix.c", "Which operation excludes which.");
	put(&o, "#include \"gen/matrix.h\"\n\n#include <stddef.h>\n#include <string.h>\n\n"
		"const struct matrix_row matrix[MATRIX_ROWS] = {\n");
	for (size_t i = 0; i < n; i++) {
		const struct row *r = &rows[i];
		put(&o, "\t{OP_%s, \"%s\", {\"%s\", \"%s\", \"%s\"},\n", upper(r->col[0]),
			r->col[0], r->col[2], r->col[3], r->col[4]);
		put(&o,
			"\t\tMATRIX_CELL_%s, MATRIX_CELL_%s, MATRIX_EFFECT_%s, MATRIX_EFFECT_%s, "
			"MATRIX_PROOF_%s},\n",
			upper(cells[r->c1]), upper(cells[r->c2]), upper(effects[r->on_op]),
			upper(effects[r->on_ie]), upper(proofs[r->proof]));
	}
	put(&o, "};\n\nconst struct matrix_row *matrix_find(const char *id)\n{\n"
		"\tfor (size_t i = 0; i < MATRIX_ROWS; i++) {\n"
		"\t\tif (strcmp(matrix[i].id, id) == 0)\n\t\t\treturn &matrix[i];\n\t}\n"
		"\treturn NULL;\n}\n");
	out_close(&o);
}
