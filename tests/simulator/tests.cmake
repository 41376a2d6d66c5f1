# The program simulator_run is `tally simulate` alone, from tools/simulate.
#
# add_simulation(<name> <seconds> <argument>...)
function(add_simulation name seconds)
    add_test(NAME ${name} COMMAND simulator_run simulate ${ARGN})
    set_tests_properties(${name} PROPERTIES LABELS sim TIMEOUT ${seconds})
endfunction()

add_simulation(simulator_seeds 900 --seeds 1..500 --jobs 2 --require-coverage)
add_simulation(simulator_ledger_seeds 900 --seeds 1..60 --jobs 2 --ledger)
foreach(scenario
        calm idle_cluster leader_crash cluster_crash_after_nullify crash_before_sending_proposal
        partition_and_heal asymmetric_partition lag_10_after_crash lag_1000_after_crash
        lag_1000_cut_off missing_bodies missing_certificates restart_loops two_of_seven_dead
        heavy_loss paused_leaders clock_ahead crash_in_recovery cluster_crash_at_every_effect)
    add_simulation(simulator_scenario_${scenario} 300 --scenario ${scenario})
endforeach()

add_unit_test(simulator_test
    SOURCES disk_test.cpp oracle_test.cpp world_test.cpp
    USES simulator
    LABELS sim
    TIMEOUT 300)
