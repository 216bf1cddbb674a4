// SPDX-License-Identifier: Apache-2.0
/* What --help says about the verbs that write to printers. */
#include <string.h>

#include "services/cli/write.h"

static const char version_words[] =
	"VERSION: latest, -2 (two before the newest), 17 (generation), 2026-01-05 (the newest at\n"
	"the end of that day), 2026-01-05T12:00:00Z, or an id.\n";

static const char who[] = "Who is written to\n"
			  "  --to PRINTER|GROUP   repeatable; also --filter F, --all, "
			  "--exclude-group G\n";

static const char how[] =
	"How it is written\n"
	"  --lists LISTS        only these lists of the printer: list_1,one_touch …\n"
	"  --map SLOT=LIST      this list of the printer from that list of the source; "
	"repeatable;\n"
	"                       SLOT=none: nothing is sent, the slot keeps its content\n"
	"  --mode MODE          replace (a list becomes the source's), merge, add\n"
	"  --items ITEMS        of settings: only these\n"
	"  --accept WORDS       losses,secrets,hazards,language,not_restorable,identity: without\n"
	"                       it each plan asks\n"
	"  --reason TEXT        why the display language may differ; audited\n"
	"  --password-file F    the encryption password of Type II and III machines\n"
	"  --transliterate      é may become e where the charset has no é\n"
	"  --restart-if-needed  the printer may be restarted when it must\n"
	"  --on-failure WORD    restore_pre_image (default) or leave\n"
	"  --confirm-within T   the old state comes back unless carnet confirm within 10m, 2h …\n"
	"  --waves 1,10%        one printer first, then a tenth, then the rest\n"
	"  --error-budget P     stop when more than P percent of the finished ones failed;\n"
	"                       --budget-min N: and at least N finished\n"
	"  --name TEXT          of the task; else what and when\n";

static const char steps[] =
	"A task is made and run: tasks, runs and history show it like any other. A plan reads the\n"
	"printers and writes nothing; it is applied as it was shown or not at all, and what is\n"
	"overwritten is saved first (carnet revert RUN). Plans wait 7 days.\n"
	"Exit of plan: 0 nothing to change, 2 changes, 1 it cannot be. Exit of apply, restore, "
	"revert:\n"
	"0 done, 1 errors, 4 refused.\n";

static const struct {
	const char *noun, *verb, *text;
	bool how;
} texts[] = {
	{"plan", "restore",
		"  Without DEVICE@VERSION: --at TIME, of each printer its own newest version of "
		"then.\n"
		"  To another printer than the version's: --mode must be said.\n"
		"Examples:\n"
		"  carnet plan restore lobby@-1\n"
		"  carnet plan restore lobby@latest --to Lyon --mode merge --accept losses\n"
		"  carnet plan restore --at 2026-01-05 --to Lyon\n",
		true},
	{"plan", "import",
		"  FILE is uploaded and read to its end first; or the id of an uploaded one.\n"
		"Examples:\n"
		"  carnet plan import office.csv --to Lyon --map list_2=1\n",
		true},
	{"plan", "settings",
		"  From a backup of settings, or a FILE that goes back to the same model unread.\n",
		true},
	{"plan", "distribute",
		"  SET: its printers, each with the lists that sets give it. TASK: one of kind\n"
		"  ab.distribute. Or --book BOOK with --map and --to, without a set.\n"
		"Examples:\n"
		"  carnet version export lobby@latest -o lobby.abk\n"
		"  carnet destinations import lobby.abk\n"
		"  carnet dist-book create Sales --list Sales=1,2,17\n"
		"  carnet dist-set create Floor3 --book Sales --map list_2=Sales --to Lyon\n"
		"  carnet plan distribute Floor3\n",
		true},
	{"restore", "",
		"  carnet plan restore and carnet apply in one step; asks on a terminal, --yes "
		"does not.\n"
		"Examples:\n"
		"  carnet restore lobby@2026-01-05\n"
		"  carnet restore lobby@latest --to lobby-2 --mode replace --confirm-within 10m\n",
		true},
	{"apply", "",
		"  Shows the plan, asks on a terminal (--yes does not), writes exactly that plan "
		"and\n"
		"  watches.\n"
		"  --accept WORDS       what the plan says has to be accepted\n"
		"  --confirm-within T   as in carnet plan\n"
		"  --reason TEXT        why the display language may differ\n"
		"  --always             scheduled runs of its task may apply the same plan\n",
		false},
	{"revert", "", "  What a run overwrote is put back, from the versions it saved first.\n",
		false},
	{"deliver", "",
		"  The bytes go to the printers as they are, nothing on them is overwritten: no "
		"plan.\n"
		"  --file-name NAME     as the printer sees it\n"
		"  --accept identity    to printers, too, that do not say who they are\n",
		false},
};

void write_help(const struct verb *v)
{
	for (size_t i = 0; i < array_len(texts); i++) {
		if (strcmp(texts[i].noun, v->noun) != 0 || strcmp(texts[i].verb, v->name) != 0)
			continue;
		(void)fputs(texts[i].text, stdout);
		if (strstr(v->args, "VERSION") != NULL)
			(void)fputs(version_words, stdout);
		if (texts[i].how || strcmp(v->noun, "deliver") == 0)
			(void)fputs(who, stdout);
		if (texts[i].how)
			(void)fputs(how, stdout);
		(void)fputs(steps, stdout);
	}
}
