"""Words of Spanish answers that the glossary of questions does not hold, put into English."""

import re
from collections.abc import Callable
from functools import cache

from molsys_chat_rag.text.language import language
from molsys_chat_rag.text.spanish import to_english
from molsys_chat_rag.text.stemming import snowball_stem
from molsys_chat_rag.text.words import plain

_WORD = re.compile(r"(?<![\w.`])[^\W\d_]++(?!\.*[\w(])")
_CODE = re.compile(r"(`[^`\n]*`)")

_PAIRS = """
aceptar:accept admitir:accept ademas:also almacenar:store ambos:both anterior:previous
aprovechar:reuse automaticamente:automatically ayuda:help basta:enough bloque:block cambia:change
cargar:load celda:cell ciclo:cycle codigo:code coincidir:match comando:command combinar:combine
compartir:share compilar:compile completo:whole comunicar:report conservar:keep consulta:query
contener:contain convertir:convert coordenada:coordinate cuaderno:notebook cubica:cubic debe:must
definir:define denominar:name depender:depend descargar:download desde:from desarrollar:develop
devolver:return dia:day dibujar:draw distinto:different disponible:available editar:edit
ejecutar:run ejemplo:example elegir:choose emplear:use encontrar:find enlace:bond enteras:whole
entorno:environment enviar:send error:error escribir:write esquema:scheme estructura:structure
evitar:avoid excluir:exclude excluyen:exclude explicar:explain expresion:expression fichero:file
finalizar:finish foro:forum fotograma:frame fraccion:fraction fuente:source funcionar:work
generar:generate grado:degree grupo:group guardar:save herramienta:tool igual:equal
ignorar:ignore incidencia:issue gestor:tracker incluir:include incluyen:include incluye:include
indicar:give iniciar:start insertar:insert inicial:initial interpretar:interpret lanzar:raise
lector:reader leer:read licencia:licence limite:limit lista:list llamar:call local:local
longitud:length mantener:keep maximo:maximum media:average mediante:with medir:measure
memoria:memory minimo:minimum modificar:modify momento:moment mostrar:show mover:move nombre:name
normalmente:usually nueva:new nuevo:new numero:number obligatorio:required obtener:get
omitir:omit opcional:optional orden:order ordenar:sort origen:origin pagina:page par:pair
paquete:package pasar:pass paso:step pedir:ask permitir:allow peso:weight pregunta:question
predeterminado:default procesar:process produce:produce proporcionar:provide publicar:publish
punto:point quitar:remove radio:radius rapido:fast recorrer:iterate red:network registro:log
reiniciar:restart reparte:distribute representar:represent requerir:require residuo:residue
responder:answer resultado:result reutilizar:reuse secreto:secret seguir:follow segundo:second
seleccion:selection servidor:server siempre:always significa:means siguiente:next
simultaneo:simultaneous sitio:site solamente:only soporte:support superficie:surface
tamano:size tardar:take tiempo:time tipo:type traducir:translate trayectoria:trajectory
ultimo:last unicamente:only unidad:unit usuario:user utilizar:use vacio:empty valor:value
variable:variable varios:several veces:times velocidad:speed verdadero:true versión:version
volumen:volume nunca:never tambien:also pueden:can puede:can deben:must dice:says nucleo:core
parte:part carga:charge electrica:electric mapa:map altitud:altitude"""


def in_english(text: str, own_word: Callable[[str], str]) -> str:
    """Return a Spanish sentence word by word in English, any other as it is; code stays.

    :param own_word: as of :func:`molsys_chat_rag.text.spanish.to_english`.
    """
    if language(text) != "es":
        return text
    parts = _CODE.split(text)
    told = [part if part.startswith("`") else _told(part, own_word) for part in parts]
    return "".join(told)


def _told(text: str, own_word: Callable[[str], str]) -> str:
    known = _known()

    def translated(match: re.Match[str]) -> str:
        return known.get(_stem(match.group()), match.group())

    return to_english(_WORD.sub(translated, text), own_word)


@cache
def _known() -> dict[str, str]:
    pairs = (pair.split(":") for pair in _PAIRS.split())
    return {_stem(spanish): english for spanish, english in pairs}


def _stem(word: str) -> str:
    return snowball_stem("spanish", plain(word))
