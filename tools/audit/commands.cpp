#include "tools/audit/commands.h"

#include "tools/audit/audit_command.h"
#include "tools/audit/rebuild.h"
#include "tools/audit/receipt_command.h"

namespace tally::tools {

void add_audit_commands(CLI::App& app, int& exit_code) {
    add_audit_command(app, exit_code);
    add_receipt_commands(app, exit_code);
    add_rebuild_command(app, exit_code);
}

}  // namespace tally::tools
