# The program simulator_run is `tally simulate` alone, from tools/simulate.
#
# add_simulation(<name> <seconds> <argument>...)
function(add_simulation name seconds)
    add_test(NAME ${name} COMMAND simulator_run simulate ${ARGN})
    set_tests_properties(${name} PROPERTIES LABELS sim TIMEOUT ${seconds})
endfunction()

add_simulation(simulator_seeds 1800 --seeds 1..2000 --jobs 2 --require-coverage)
# Liars and joiners with the production ledger.
add_simulation(simulator_ledger_seeds 900 --seeds 1..400 --jobs 2 --ledger --require-coverage)
# A part of the exhaustive cases (all of them: 0..262143), and a sample.
add_simulation(simulator_twins 900 --twins --seeds 0..9999 --jobs 2)
add_simulation(simulator_twins_sampled 900 --twins --seeds 300000..300499 --jobs 2)

# The scenarios, as the program lists them; simulator_scenario_list fails when this list is another.
set(simulator_scenarios
    calm idle_cluster leader_crash cluster_crash_after_nullify
    crash_before_sending_proposal partition_and_heal asymmetric_partition
    lag_10_after_crash lag_1000_after_crash lag_1000_cut_off lag_10000_cut_off missing_bodies
    missing_certificates restart_loops two_of_seven_dead heavy_loss paused_leaders
    clock_ahead crash_in_recovery cluster_crash_at_every_effect restored_backup
    equivocator two_of_equivocator withholder two_of_withholder split_certificates
    two_of_split_certificates late_leader two_of_late_leader impersonator
    two_of_impersonator nullify_and_finalize two_of_nullify_and_finalize flooder
    two_of_flooder lying_sync_peer two_of_lying_sync_peer invariant_breaker
    two_of_invariant_breaker hostile_leader two_of_hostile_leader add_validator
    remove_validator replace_all_validators rotate_keys unready_joiner boundary_crashes
    lag_over_epochs seal_not_final former_validator_lies
    sync_join sync_join_crashes sync_join_with_liars sync_join_wrong_values
    sync_join_wrong_part sync_join_wrong_manifest sync_join_withheld sync_join_split_for_ever
    sync_join_old_snapshot sync_join_wrong_blocks
    handover_seal_proposed handover_seal_voted_unsynced handover_seal_voted handover_seal_notarized
    handover_seal_finalized_alone handover_seal_final handover_seal_committed
    handover_journal_named handover_journal_begun handover_journal_synced handover_journal_durable
    handover_record_written handover_new_status handover_seal_proposed_all
    handover_seal_voted_unsynced_all handover_seal_voted_all handover_seal_notarized_all
    handover_seal_finalized_alone_all handover_seal_final_all handover_seal_committed_all
    handover_journal_named_all handover_journal_begun_all handover_journal_synced_all
    handover_journal_durable_all handover_record_written_all handover_new_status_all
    unfinalized_pile flooded_mempool)
foreach(scenario IN LISTS simulator_scenarios)
    add_simulation(simulator_scenario_${scenario} 300 --scenario ${scenario})
endforeach()
list(JOIN simulator_scenarios "," simulator_scenario_names)
add_test(NAME simulator_scenario_list
    COMMAND simulator_run simulate --compare-scenarios ${simulator_scenario_names})
set_tests_properties(simulator_scenario_list PROPERTIES LABELS sim)

add_unit_test(simulator_test
    SOURCES disk_test.cpp oracle_test.cpp world_test.cpp
    USES simulator
    LABELS sim
    TIMEOUT 300)

# Every planted bug must be caught; `--mutant` needs the program beside it.
add_test(NAME simulator_mutants COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/mutants.sh
    $<TARGET_FILE:simulator_run>)
set_tests_properties(simulator_mutants PROPERTIES LABELS sim TIMEOUT 900)
