# What is installed (`cmake --install`), and the Debian package that is made of it (`./dev package`).
include(GNUInstallDirs)

# Manual pages, completions and the schema come out of the binary, so they say what it does.
set(papers_dir ${PROJECT_BINARY_DIR}/papers)
set(papers tocsin.1.gz tocsin.yml.5.gz tocsin.bash tocsin.zsh tocsin.fish tocsin.schema.json changelog.gz)
list(TRANSFORM papers PREPEND ${papers_dir}/)
add_custom_command(OUTPUT ${papers}
  COMMAND ${PROJECT_SOURCE_DIR}/packaging/papers.sh $<TARGET_FILE:tocsin> ${papers_dir} ${PROJECT_VERSION}
  DEPENDS tocsin ${PROJECT_SOURCE_DIR}/packaging/papers.sh ${PROJECT_SOURCE_DIR}/CHANGELOG.md VERBATIM)
# Under a sanitizer nobody installs it.
if(TOCSIN_SANITIZE)
  add_custom_target(tocsin_papers DEPENDS ${papers})
else()
  add_custom_target(tocsin_papers ALL DEPENDS ${papers})
endif()

set(readable OWNER_READ OWNER_WRITE GROUP_READ WORLD_READ)
set(executable OWNER_EXECUTE GROUP_EXECUTE WORLD_EXECUTE)
set(CMAKE_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS ${readable} ${executable})
set(share ${CMAKE_INSTALL_DATADIR}/tocsin)
install(TARGETS tocsin)
install(FILES ${papers_dir}/tocsin.1.gz DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
install(FILES ${papers_dir}/tocsin.yml.5.gz DESTINATION ${CMAKE_INSTALL_MANDIR}/man5)
install(FILES ${papers_dir}/tocsin.bash DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions RENAME tocsin)
install(FILES ${papers_dir}/tocsin.zsh DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/vendor-completions RENAME _tocsin)
install(FILES ${papers_dir}/tocsin.fish DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d)
install(FILES ${papers_dir}/tocsin.schema.json DESTINATION ${share})
install(FILES ${papers_dir}/changelog.gz packaging/debian/copyright README.md CHANGELOG.md DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(DIRECTORY docs/ DESTINATION ${CMAKE_INSTALL_DOCDIR}/docs FILES_MATCHING PATTERN "*.md" PATTERN decisions EXCLUDE)
install(DIRECTORY examples DESTINATION ${CMAKE_INSTALL_DOCDIR} FILE_PERMISSIONS ${readable} PATTERN "*.sh" PERMISSIONS ${readable} ${executable})

# What a Prometheus and a Grafana take.
install(FILES ${packs} DESTINATION ${share}/packs)
install(FILES rules/packs/meta.yml examples/prometheus/scrape.yml DESTINATION ${share}/prometheus)
install(DIRECTORY dashboards/ DESTINATION ${share}/dashboards FILES_MATCHING PATTERN "*.json" PATTERN status EXCLUDE PATTERN panels EXCLUDE)

# The binary looks for its configuration under /etc, whatever the prefix is.
install(FILES packaging/tocsin.yml DESTINATION /etc/tocsin)
install(FILES systemd/tocsin.service.d/commands.conf DESTINATION ${share}/systemd)
install(FILES systemd/tocsin.sysusers DESTINATION lib/sysusers.d RENAME tocsin.conf)
install(FILES systemd/tocsin.tmpfiles DESTINATION lib/tmpfiles.d RENAME tocsin.conf)
# The unit names the binary where this installation puts it: the prefix is known only now.
install(CODE "
  file(READ \"${PROJECT_SOURCE_DIR}/systemd/tocsin.service\" unit)
  string(REPLACE /usr/bin/tocsin \"\${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_BINDIR}/tocsin\" unit \"\${unit}\")
  file(WRITE \"${PROJECT_BINARY_DIR}/papers/tocsin.service\" \"\${unit}\")
  file(INSTALL \"${PROJECT_BINARY_DIR}/papers/tocsin.service\" DESTINATION \"\${CMAKE_INSTALL_PREFIX}/lib/systemd/system\")")

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME tocsin)
set(CPACK_PACKAGE_CONTACT "The tocsin authors <tocsin@tocsin.invalid>")
set(CPACK_INSTALL_PREFIX /usr)  # whatever the build's own prefix is
set(CPACK_SET_DESTDIR ON)       # /etc is not below it
set(CPACK_STRIP_FILES ON)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS ${readable} ${executable})
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_COMPRESSION_TYPE xz)
set(CPACK_DEBIAN_PACKAGE_SECTION net)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_DEPENDS "init-system-helpers (>= 1.54), systemd | systemd-standalone-sysusers")
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS "ca-certificates")
set(CPACK_DEBIAN_PACKAGE_SUGGESTS "prometheus-alertmanager, prometheus")
set(CPACK_DEBIAN_PACKAGE_DESCRIPTION "probes services, judges by Prometheus rules, tells Alertmanager
tocsin asks Redis, PostgreSQL, Kafka and HTTP services how they are, keeps the
answers for as long as rules need them, and judges them by Prometheus rule
files and by thresholds in plain words. It tells every Alertmanager, once it
has written down what it owes, so that a restart loses nothing. Where its
operator allows it, it runs a scaling command: once, within bounds, verified.
.
Its metrics have the names of redis_exporter, postgres_exporter,
kafka_exporter and blackbox_exporter: rules and dashboards made for those
work unchanged.")
set(debian ${PROJECT_SOURCE_DIR}/packaging/debian)
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA ${debian}/postinst ${debian}/prerm ${debian}/postrm ${debian}/conffiles)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
include(CPack)
